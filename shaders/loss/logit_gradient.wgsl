// In place: logits[r, v] <- dlogp[r] * (1[FIRST + v = target] - exp(logits[r, v] - lse[r])); rows past counts[1] and columns past live become 0.
// The gradient of log p(target) with respect to the logits of one vocabulary chunk. Params: rows, first, width, live.
// logits: [R, width]; targets, lse, dlogp: [R].
// #include "flat"
struct Params { rows: u32, first: u32, width: u32, live: u32 }
@group(0) @binding(0) var<storage, read> targets: array<u32>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dlogp: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let row = index / params.width;
  if (row >= params.rows) { return; }
  let column = index % params.width;
  if (row >= counts[1] || column >= params.live) { logits[index] = 0.0; return; }
  let hit = select(0.0, 1.0, params.first + column == targets[row]);
  logits[index] = dlogp[row] * (hit - exp(logits[index] - lse[row]));
}
