// partial[c, d] = sum over rows t of chunk c of dy[t, d] * x[t, d] * rstd[t], t < GROUPS * counts[LIVE]   (first pass of dgain)
// Constants: D, CHUNK, GROUPS, LIVE.
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;

const D4 = D / 4u;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let d = group.x * 32u + lane.x;
  if (d >= D4) { return; }
  let first = group.y * CHUNK;
  let end = min(first + CHUNK, GROUPS * counts[LIVE]);
  var sum = vec4f();
  for (var t = first; t < end; t++) { sum += dy[t * D4 + d] * x[t * D4 + d] * rstd[t]; }
  partial[group.y * D4 + d] = sum;
}
