// Rotary position embedding (Su 2021), half-split layout of Hugging Face models: for i < HALF
//   y[t, h, i]        = x[t, h, i] * cos[p, i] - SIGN * x[t, h, i + HALF] * sin[p, i]
//   y[t, h, i + HALF] = x[t, h, i + HALF] * cos[p, i] + SIGN * x[t, h, i] * sin[p, i],   p = positions[t]
// Tables are made in f64 on the host. SIGN is 1, or -1 for the backward pass (the inverse rotation).
// Params: rows, sign, heads, half = HALF. Rows at or past counts[0] are skipped, because their positions are undefined.
// x, y: [rows, heads * 2 HALF]; positions: [rows]; cos, sin: [P, HALF].
// #include "flat"
struct Params { rows: u32, sign: f32, heads: u32, half: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> table_cos: array<f32>;
@group(0) @binding(3) var<storage, read> table_sin: array<f32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let half = params.half;
  if (index >= params.rows * params.heads * half) { return; }
  let i = index % half;
  let head = index / half;
  let t = head / params.heads;
  if (t >= counts[0]) { return; }
  let p = positions[t] * half + i;
  let c = table_cos[p];
  let s = table_sin[p] * params.sign;
  let low = head * half * 2u + i;
  let a = x[low];
  let b = x[low + half];
  y[low] = a * c - b * s;
  y[low + half] = b * c + a * s;
}
