// y[i, j] = alpha * sum_k a[i * a_row + k * a_inner] * b[j * b_row + k * b_inner] (+ bias[j]) (+ residual[i, j])
// It serves any layout and size, such as extents that are not a multiple of 4 (a value head, odd ranks). A counted sum
// stops at counts[count_word].
// a, b: matrices of any strides; y: [rows, columns]; bias: [columns].
// #include "flat"
struct Params {
  rows: u32, alpha: f32, a_row: u32, a_inner: u32, b_row: u32, b_inner: u32, columns: u32, inner: u32, count_word: u32, flags: u32
}
// #include "product_flags"
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  if (index >= params.rows * params.columns) { return; }
  let i = index / params.columns;
  let j = index % params.columns;
  var inner = params.inner;
  if (does(COUNTED)) { inner = min(inner, counts[params.count_word]); }
  var sum = 0.0;
  for (var k = 0u; k < inner; k++) { sum += a[i * params.a_row + k * params.a_inner] * b[j * params.b_row + k * params.b_inner]; }
  sum *= params.alpha;
  if (does(BIAS)) { sum += bias[j]; }
  if (does(RESIDUAL)) { sum += residual[index]; }
  if (does(ACCUMULATE)) { y[index] += sum; } else { y[index] = sum; }
}
