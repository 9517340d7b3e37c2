// Sums over rows r < counts[1]:  rows, w (policy + beta c k3), c k3, entropy, units, low clipped, high clipped, ratio; the last three and `units`
// count a row once with a token ratio and a sequence once with a sequence ratio, as TRL averages them. One workgroup, lane order.
// table[row] = (logp_old, logp_ref, A, 0). Params and constants as in grpo_gradient.
// logp, entropy, table_row, w: [R]; table: [B, 4]; span: [R, 2]; sums: [8].
struct Params { rows: u32, epsilon_low: f32, epsilon_high: f32, delta: f32, beta: f32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> entropy: array<f32>;
@group(0) @binding(2) var<storage, read> table_row: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<vec4f>;
@group(0) @binding(4) var<storage, read> span: array<u32>;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;
// #include "grpo_terms"
const TERMS = 2u;
// #include "lane_sums"

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = array<vec4f, TERMS>();
  for (var r = lane.x; r < min(params.rows, counts[1]); r += LANES) {
    let term = grpo_term(r, grpo_log_ratio(r));
    var k3 = 0.0;
    if (KL != 0u) { k3 = grpo_k3(r); }
    if (KL == 2u) { k3 *= term.ratio; }
    var unit = 1.0;
    if (SEQUENCE == 1u) { unit = 1.0 / f32(max(1u, span[2u * r + 1u] - span[2u * r])); }
    sum[0] += vec4f(1.0, weight[r] * (term.loss + params.beta * k3), k3, entropy[r]);
    sum[1] += vec4f(unit, unit * term.low, unit * term.high, unit * term.ratio);
  }
  write_sums(lane.x, sum);
}
