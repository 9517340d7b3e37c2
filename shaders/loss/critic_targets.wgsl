// Regression targets of the four critics (ArCHer, arXiv:2402.19446 eq. 1-2; archer/trainer.py), for transitions n < counts[0], else 0:
//   y[n] = (r + c gamma v1, r + c gamma v2, q1, q2)    v of the next observation, q of the observation with a fresh action: target critics
// transition[n] = (r, c, return, weight): c is 1 where the episode goes on, 0 where it ended. Params: rows, gamma.
// v1, v2, q1, q2: [N, 1]; transition, y: [N, 4].
// #include "flat"
struct Params { rows: u32, gamma: f32 }
@group(0) @binding(0) var<storage, read> v1: array<f32>;
@group(0) @binding(1) var<storage, read> v2: array<f32>;
@group(0) @binding(2) var<storage, read> q1: array<f32>;
@group(0) @binding(3) var<storage, read> q2: array<f32>;
@group(0) @binding(4) var<storage, read> transition: array<vec4f>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let n = flat_workgroup(group, groups) * 64u + lane.x;
  if (n >= params.rows) { return; }
  if (n >= counts[0]) { y[n] = vec4f(); return; }
  let t = transition[n];
  y[n] = vec4f(vec2f(t.x) + t.y * params.gamma * vec2f(v1[n], v2[n]), q1[n], q2[n]);
}
