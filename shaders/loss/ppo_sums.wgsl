// Sums over rows r < counts[1] of the clipped PPO losses and what TRL reports beside them:
//   rows, policy, value, ratio, policy clipped?, value clipped?, (logp - logp_old)^2, logp - logp_old, entropy, V, (V - R)^2, 0 ...
// policy = max(-A rho, -A clip(rho)), value = max(...)/2 as in ppo_gradient. One workgroup; lanes stride rows, then add in lane order.
// table[row] = (logp_old, V_old, A, R). Params: rows, cliprange, cliprange_value, vf_coef (unused).
// logp, entropy, table_row: [R]; V: [R, 1]; table: [B, 4]; sums: [16].
struct Params { rows: u32, cliprange: f32, cliprange_value: f32, vf_coef: f32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read> table_row: array<u32>;
@group(0) @binding(4) var<storage, read> table: array<vec4f>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

const TERMS = 3u;
// #include "lane_sums"

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = array<vec4f, TERMS>();
  for (var r = lane.x; r < min(params.rows, counts[1]); r += LANES) {
    let old = table[table_row[r]];
    let delta = logp[r] - old.x;
    let ratio = exp(delta);
    let plain = -old.z * ratio;
    let clipped = -old.z * clamp(ratio, 1.0 - params.cliprange, 1.0 + params.cliprange);
    let v = value[r];
    let near = max(min(v, old.y + params.cliprange_value), old.y - params.cliprange_value);
    let error = (v - old.w) * (v - old.w);
    let near_error = (near - old.w) * (near - old.w);
    sum[0] += vec4f(1.0, max(plain, clipped), 0.5 * max(error, near_error), ratio);
    sum[1] += vec4f(select(0.0, 1.0, clipped > plain), select(0.0, 1.0, near_error > error), delta * delta, delta);
    sum[2] += vec4f(entropy[r], v, error, 0.0);
  }
  write_sums(lane.x, sum);
  if (lane.x == 3u) { sums[3] = vec4f(); }
}
