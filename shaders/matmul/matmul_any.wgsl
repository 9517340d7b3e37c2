// y[i, j] = alpha * sum_k a[i * A_ROW + k * A_INNER] * b[j * B_ROW + k * B_INNER] (+ bias[j]) (+ residual[i, j])
// Any layout, any size: the path for extents that are no multiple of 4 (a value head, odd ranks). When COUNTED, the sum
// stops at counts[LIVE]. Constants: A_INNER, B_ROW, B_INNER, J, INNER, COUNTED, LIVE, HAS_BIAS, HAS_RESIDUAL, ACCUMULATE.
// #include "flat"
struct Params { rows: u32, alpha: f32, a_row: u32 }
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
  if (index >= params.rows * J) { return; }
  let i = index / J;
  let j = index % J;
  var inner = INNER;
  if (COUNTED == 1u) { inner = min(inner, counts[LIVE]); }
  var sum = 0.0;
  for (var k = 0u; k < inner; k++) { sum += a[i * params.a_row + k * A_INNER] * b[j * B_ROW + k * B_INNER]; }
  sum *= params.alpha;
  if (HAS_BIAS == 1u) { sum += bias[j]; }
  if (HAS_RESIDUAL == 1u) { sum += residual[index]; }
  if (ACCUMULATE == 1u) { y[index] += sum; } else { y[index] = sum; }
}
