// y[t, i] = x[t, i] / (1 - rate) where a random word reaches rate * 2^32, else 0                          (Srivastava 2014, inverted)
// The word is one of four that Philox makes of the counter (t, i / 4, stream, state[2]) under the key state[0 .. 1]: the backward pass
// computes the same mask again from the same state. x, y: [rows, 4 quads].
// #include "flat"
// #include "philox"
struct Params { count: u32, least: u32, scale: f32, quads: u32, stream: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i >= params.count) { return; }
  let words = philox(vec4u(i / params.quads, i % params.quads, params.stream, state[2]), vec2u(state[0], state[1]));
  y[i] = select(vec4f(), x[i] * params.scale, words >= vec4u(params.least));
}
