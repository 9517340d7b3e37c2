// Cotangents of the clipped PPO loss (arXiv:1707.06347; TRL 0.11 PPOTrainer.loss) for rows r < counts[1], else 0:
//   dlogp[r]  = -w A rho  unless the clipped term is the larger one, then 0;             rho = exp(logp - logp_old)
//   dvalue[r] = w vf_coef (V - R), or 0 where the clipped error is larger and V lies beyond V_old +- range
// table[row] = (logp_old, V_old, A, R). w = weight[0]. Params: rows, cliprange, cliprange_value, vf_coef.
// logp, table_row, dlogp: [R]; V, dvalue: [R, 1]; table: [B, 4]; weight: [4].
// #include "flat"
struct Params { rows: u32, cliprange: f32, cliprange_value: f32, vf_coef: f32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read> table_row: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<vec4f>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(7) var<storage, read_write> dvalue: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= params.rows) { return; }
  if (r >= counts[1]) { dlogp[r] = 0.0; dvalue[r] = 0.0; return; }
  let old = table[table_row[r]];
  let w = weight[0];
  let ratio = exp(logp[r] - old.x);
  let plain = -old.z * ratio;
  let clipped = -old.z * clamp(ratio, 1.0 - params.cliprange, 1.0 + params.cliprange);
  dlogp[r] = select(w * plain, 0.0, clipped > plain);
  let v = value[r];
  let near = max(min(v, old.y + params.cliprange_value), old.y - params.cliprange_value);
  let error = v - old.w;
  let near_error = near - old.w;
  let is_flat = near_error * near_error > error * error && near != v;
  dvalue[r] = select(w * params.vf_coef * error, 0.0, is_flat);
}
