// table[r] = (a[r], b[r], c[r], d[r]) for r < counts[1]; other rows are not written. Params: rows.
// a, b, c, d: [R]; table: [R, 4].
// #include "flat"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read> d: array<f32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> table: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= min(params.rows, counts[1])) { return; }
  table[r] = vec4f(a[r], b[r], c[r], d[r]);
}
