// target[i] = (1 - tau) target[i] + tau online[i]          (Polyak averaging; Lillicrap 2016, arXiv:1509.02971 section 3)
// online, target: [count].
// #include "flat"
struct Params { count: u32, tau: f32 }
@group(0) @binding(0) var<storage, read> online: array<f32>;
@group(0) @binding(1) var<storage, read_write> blended: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i < params.count) { blended[i] = (1.0 - params.tau) * blended[i] + params.tau * online[i]; }
}
