// dlogp[r] = weight[p] slope of the row's side of pair p = row_sequence[r] / 2, for rows r < counts[1], else 0. Every token of an answer has the same slope.
// dpo_pairs computes pairs. Params: rows.
// row_sequence, dlogp: [R]; pairs: [P, 8]; weight: [P].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> row_sequence: array<u32>;
@group(0) @binding(1) var<storage, read> pairs: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
// #include "flat"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= params.rows) { return; }
  if (r >= counts[1]) { dlogp[r] = 0.0; return; }
  let s = row_sequence[r];
  let slopes = pairs[s / 2u * 2u + 1u].yz;
  dlogp[r] = weight[s / 2u] * select(slopes.x, slopes.y, s % 2u == 1u);
}
