// AdamW on packed state (Loshchilov & Hutter 2019, torch's order): g' = factor * g
//   p <- p (1 - lr wd [i < decay_end]);  m <- m + (1 - b1)(g' - m);  v <- b2 v + (1 - b2) g'^2
//   p <- p - lr / q1 * m / (sqrt(v) / sqrt(q2) + eps),  q_i = 1 - beta_i^steps
// Nothing is written when the step does not apply (state[2] = 0: a gradient was not finite).
// hyper and state: see clip_factor.wgsl.
// p, g, m, v: [count]; hyper, state: [8].
// #include "flat"
struct Params { count: u32, decay_end: u32 }
@group(0) @binding(0) var<storage, read> grads: array<f32>;
@group(0) @binding(1) var<storage, read> hyper: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> first: array<f32>;
@group(0) @binding(5) var<storage, read_write> second: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i >= params.count || state[2] == 0.0) { return; }
  let lr = hyper[0];
  let g = grads[i] * state[0];
  let m = first[i] + hyper[1] * (g - first[i]);
  let v = second[i] + hyper[2] * (g * g - second[i]);
  var p = weights[i];
  if (i < params.decay_end) { p -= p * lr * hyper[4]; }
  first[i] = m;
  second[i] = v;
  weights[i] = p - lr / state[4] * m / (sqrt(v) / sqrt(state[5]) + hyper[3]);
}
