// y[t, d] = x[target_of[t], d] where token t has a target row, else 0 (no target is 0xffffffff; tail tokens get 0).
// The backward of gather_rows. quads: D / 4.
// x: [R, D]; target_of: [T]; y: [T, D].
// #include "flat"
struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> target_of: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let t = index / params.quads;
  if (t >= params.rows) { return; }
  var value = vec4f();
  if (t < counts[0]) {
    let r = target_of[t];
    if (r < counts[1]) { value = x[r * params.quads + index % params.quads]; }
  }
  y[index] = value;
}
