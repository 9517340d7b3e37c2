// y[t, d] = table[ids[t], d].  D a multiple of 4. Constants: D. Rows at or past counts[0] are skipped.
// #include "flat"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> table: array<vec4f>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const D4 = D / 4u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let t = index / D4;
  if (t >= min(params.rows, counts[0])) { return; }
  y[index] = table[ids[t] * D4 + index % D4];
}
