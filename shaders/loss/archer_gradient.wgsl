// Over tokens r < counts[1], else 0, with A = advantage[utterance[r]] and weight = (w, u):
//   dlogp[r]  = -w (A - v[r]);   dvalue[r] = 2 u (v[r] - A);   without a baseline (HAS_VALUE 0) v is 0 and dvalue too
// Params: rows. Constants: HAS_VALUE.
// v, dvalue: [R, 1]; utterance, dlogp: [R]; advantage: [N]; weight: [4].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> value: array<f32>;
@group(0) @binding(1) var<storage, read> utterance: array<u32>;
@group(0) @binding(2) var<storage, read> advantage: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(6) var<storage, read_write> dvalue: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;
// #include "flat"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= params.rows) { return; }
  dlogp[r] = 0.0;
  dvalue[r] = 0.0;
  if (r >= counts[1]) { return; }
  var residual = advantage[utterance[r]];
  if (HAS_VALUE == 1u) {
    residual -= value[r];
    dvalue[r] = -2.0 * weight[1] * residual;
  }
  dlogp[r] = -weight[0] * residual;
}
