// partial[c, n] = sum over rows of chunk c of x[m, n], m < counts[count_word]            (bias gradient, first pass)
// x: [M, N], N a multiple of 4; a chunk is CHUNK rows. quads: N / 4. Constants: CHUNK.
// partial: [chunks, N].
struct Params { quads: u32, count_word: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let n4 = group.x * 32u + lane.x;
  if (n4 >= params.quads) { return; }
  let first = group.y * CHUNK;
  let end = min(first + CHUNK, counts[params.count_word]);
  var sum = vec4f();
  for (var m = first; m < end; m++) { sum += x[m * params.quads + n4]; }
  partial[group.y * params.quads + n4] = sum;
}
