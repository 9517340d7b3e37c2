// y[i, j] = alpha * sum_s parts[s, i, j] (+ bias[j]) (+ residual[i, j]) (or added onto y): second pass of a split product.
// parts: [count, rows, N] in fours of columns, added in the order of s. Of a counted sum parts are of `each` rows of the operands, and
// those that begin past counts[count_word] are left out: the result does not depend on how many rows there is room for.
// #include "flat"
struct Params { quads: u32, alpha: f32, count: u32, row_quads: u32, count_word: u32, each: u32, flags: u32 }
// #include "product_flags"
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
  if (does(COUNTED)) { count = min(count, (counts[params.count_word] + params.each - 1u) / params.each); }
  var sum = vec4f();
  for (var s = 0u; s < count; s++) { sum += parts[s * params.quads + index]; }
  sum *= params.alpha;
  if (does(BIAS)) { sum += bias[index % params.row_quads]; }
  if (does(RESIDUAL)) { sum += residual[index]; }
  if (does(ACCUMULATE)) { y[index] += sum; } else { y[index] = sum; }
}
