// partial[c, d] = sum over rows t of chunk c of dy[t, d] * x[t, d] * rstd[t], t < groups * counts[count_word]   (first pass of dgain)
// quads: D / 4. Constants: CHUNK.
// dy, x: [T, D], rstd: [T], partial: [chunks, D].
struct Params { quads: u32, groups: u32, count_word: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let d = group.x * 32u + lane.x;
  if (d >= params.quads) { return; }
  let first = group.y * CHUNK;
  let end = min(first + CHUNK, params.groups * counts[params.count_word]);
  var sum = vec4f();
  for (var t = first; t < end; t++) { sum += dy[t * params.quads + d] * x[t * params.quads + d] * rstd[t]; }
  partial[group.y * params.quads + d] = sum;
}
