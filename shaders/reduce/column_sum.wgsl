// partial[c, n] = sum over rows of chunk c of x[m, n], m < counts[LIVE]            (bias gradient, first pass)
// x: [M, N], N a multiple of 4; a chunk is CHUNK rows. Constants: N, CHUNK, LIVE.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

const N4 = N / 4u;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let n4 = group.x * 32u + lane.x;
  if (n4 >= N4) { return; }
  let first = group.y * CHUNK;
  let end = min(first + CHUNK, counts[LIVE]);
  var sum = vec4f();
  for (var m = first; m < end; m++) { sum += x[m * N4 + n4]; }
  partial[group.y * N4 + n4] = sum;
}
