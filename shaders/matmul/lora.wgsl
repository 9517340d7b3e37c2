// The low-rank term of a layer with an adapter, scale * sum_r low[m, r] * b[first + n, r], r < rank (LoRA: Hu 2021, arXiv 2106.09685), rank
// a multiple of 4. low: [M, rank], the input times the adapter's first factor; b: [N, rank]. Kernels start their sum over k with it.
// #include "linear_params"
@group(0) @binding(6) var<storage, read> low: array<f32>;
@group(0) @binding(7) var<storage, read> b: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;
fn low_quad(row: u32, quad: u32) -> vec4f {
  let at = row * params.rank + quad * 4u;
  return params.scale * vec4f(low[at], low[at + 1u], low[at + 2u], low[at + 3u]);
}
fn b_quad(n: u32, quad: u32) -> vec4f { return b[(params.first + n) * (params.rank / 4u) + quad]; }
