// y[r, d] = x[rows[r], d] for r < counts[1], else 0: only rows with a target reach the head. quads: D / 4.
// x: [T, D]; rows: [R]; y: [R, D].
// #include "flat"
struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> row_of: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let r = index / params.quads;
  if (r >= params.rows) { return; }
  var value = vec4f();
  if (r < counts[1]) { value = x[row_of[r] * params.quads + index % params.quads]; }
  y[index] = value;
}
