// y[i, j] = alpha * sum_s parts[s, i, j] (+ bias[j]) (+ residual[i, j]) (added onto y when ACCUMULATE): second pass of a split product.
// parts: [count, rows, N] in fours of columns, added in the order of s. When COUNTED, parts are of CHUNK rows of the operands, and
// those that begin past counts[LIVE] are left out: the result does not depend on how many rows there is room for.
// Constants: N_QUADS = N / 4, COUNTED, LIVE, CHUNK, HAS_BIAS, HAS_RESIDUAL, ACCUMULATE.
// #include "flat"
struct Params { quads: u32, alpha: f32, count: u32 }
@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  if (index >= params.quads) { return; }
  var count = params.count;
  if (COUNTED == 1u) { count = min(count, (counts[LIVE] + CHUNK - 1u) / CHUNK); }
  var sum = vec4f();
  for (var s = 0u; s < count; s++) { sum += parts[s * params.quads + index]; }
  sum *= params.alpha;
  if (HAS_BIAS == 1u) { sum += bias[index % N_QUADS]; }
  if (HAS_RESIDUAL == 1u) { sum += residual[index]; }
  if (ACCUMULATE == 1u) { y[index] += sum; } else { y[index] = sum; }
}
