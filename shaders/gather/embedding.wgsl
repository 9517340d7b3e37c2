// y[t] = row ids[t] of a table in any format, of which rows first .. first + count are bound. quads: D / 4.
// Rows of y at or past counts[0], and rows whose id lies in another part of the table, are not written.
// table: [V, D]; ids: [T]; y: [T, D].
// #include "flat"
struct Params { rows: u32, first: u32, count: u32, quads: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;
// #part weights
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let t = index / params.quads;
  if (t >= min(params.rows, counts[0])) { return; }
  let row = ids[t] - params.first;
  if (row >= params.count) { return; }
  y[index] = weight_quad(row * params.quads + index % params.quads);
}
