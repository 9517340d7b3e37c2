// Keeps or undoes a mini-batch: when its mean ratio is above the threshold or not finite, grads <- kept; otherwise kept <- grads.
// sums: see ppo_sums.wgsl (0 rows, 3 ratio). Params: count, threshold.
// sums: [16]; grads, kept: [count].
// #include "flat"
struct Params { count: u32, threshold: f32 }
@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read_write> grads: array<f32>;
@group(0) @binding(2) var<storage, read_write> kept: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i >= params.count) { return; }
  let ratio = sums[3] / max(sums[0], 1.0);
  let is_finite = (bitcast<u32>(ratio) & 0x7f800000u) != 0x7f800000u;
  if (is_finite && ratio <= params.threshold) { kept[i] = grads[i]; } else { grads[i] = kept[i]; }
}
