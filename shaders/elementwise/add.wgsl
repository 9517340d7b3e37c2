// y[i] = a[i] + b[i]
// a, b, y: [count].
// #include "flat"
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i < params.count) { y[i] = a[i] + b[i]; }
}
