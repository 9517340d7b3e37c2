// Per pair p < counts[2] / 2, else 0:  pairs[p] = (logp_chosen, logp_rejected, ratio_chosen, ratio_rejected,  loss, slope_chosen, slope_rejected, 0)
//   logp = sum_r logp[r], ratio = sum_r (logp[r] - ref[r]) over the side's rows; delta = ratio_chosen - ratio_rejected; slope = d loss / d logp.
//   LOSS 0, logistic (DPO, arXiv:2305.18290 eq. 7; smoothed: cDPO, Robust DPO): kept softplus(-beta delta) + flipped softplus(beta delta)
//   LOSS 1, hinge (SLiC, arXiv:2305.10425): max(0, 1 - beta delta)
//   LOSS 2, ipo (arXiv:2310.12036 eq. 17): (delta of means over rows - 1 / (2 beta))^2
// Sequence s has rows first_row[s] … first_row[s + 1]; pair p is sequences 2p (chosen) and 2p + 1. The ratio is summed by token, not the
// difference of two sums: these are large and almost equal. One workgroup a pair; lanes stride rows, then add in lane order.
// Params: pairs, beta, kept, flipped.
// logp, ref: [R]; first_row: [2 P + 1]; pairs: [P, 8].
struct Params { pairs: u32, beta: f32, kept: f32, flipped: f32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> ref_logp: array<f32>;
@group(0) @binding(2) var<storage, read> first_row: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> pairs: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;
// #include "flat"

const LANES = 64u;
var<workgroup> partial: array<vec4f, LANES>;

// log(1 + exp(x)), accurate where it is small: log(1 + y) loses the digits of a small y.
fn softplus(x: f32) -> f32 {
  let y = exp(-abs(x));
  let series = y * (1.0 - y * (0.5 - y * (1.0 / 3.0 - 0.25 * y)));
  return max(x, 0.0) + select(log(1.0 + y), series, y < 0.03);
}

fn sigmoid(x: f32) -> f32 {
  let y = exp(-abs(x));
  return select(y, 1.0, x >= 0.0) / (1.0 + y);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let p = flat_workgroup(group, groups);
  let is_live = p < min(params.pairs, counts[2] / 2u);
  var sum = vec4f();
  var chosen = 0u;
  var rejected = 0u;
  if (is_live) {
    let first = first_row[2u * p];
    let middle = first_row[2u * p + 1u];
    let end = first_row[2u * p + 2u];
    chosen = middle - first;
    rejected = end - middle;
    for (var r = first + lane.x; r < middle; r += LANES) { sum += vec4f(logp[r], 0.0, logp[r] - ref_logp[r], 0.0); }
    for (var r = middle + lane.x; r < end; r += LANES) { sum += vec4f(0.0, logp[r], 0.0, logp[r] - ref_logp[r]); }
  }
  partial[lane.x] = sum;
  workgroupBarrier();
  if (lane.x > 0u || p >= params.pairs) { return; }
  if (!is_live) {
    pairs[2u * p] = vec4f();
    pairs[2u * p + 1u] = vec4f();
    return;
  }
  var total = vec4f();
  for (var i = 0u; i < LANES; i++) { total += partial[i]; }
  let x = params.beta * (total.z - total.w);
  var loss = 0.0;
  var slopes = vec2f();
  if (LOSS == 0u) {
    loss = params.kept * softplus(-x) + params.flipped * softplus(x);
    let slope = params.beta * (params.flipped * sigmoid(x) - params.kept * sigmoid(-x));
    slopes = vec2f(slope, -slope);
  } else if (LOSS == 1u) {
    loss = max(0.0, 1.0 - x);
    let slope = select(0.0, -params.beta, 1.0 - x > 0.0);
    slopes = vec2f(slope, -slope);
  } else {
    let lengths = vec2f(f32(max(1u, chosen)), f32(max(1u, rejected)));
    let gap = total.z / lengths.x - total.w / lengths.y - 0.5 / params.beta;
    loss = gap * gap;
    slopes = vec2f(2.0, -2.0) * gap / lengths;
  }
  pairs[2u * p] = total;
  pairs[2u * p + 1u] = vec4f(loss, slopes, 0.0);
}
