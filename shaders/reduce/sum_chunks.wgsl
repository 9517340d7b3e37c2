// y[n] = sum_c partial[c, n] (or added onto y), in chunk order.         (second pass of column sums)
// N = 4 quads.
// partial: [chunks, N]; y: [N].
struct Params { chunks: u32, quads: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let n4 = group.x * 32u + lane.x;
  if (n4 >= params.quads) { return; }
  var sum = vec4f();
  for (var c = 0u; c < params.chunks; c++) { sum += partial[c * params.quads + n4]; }
  if (params.accumulate == 1u) { y[n4] += sum; } else { y[n4] = sum; }
}
