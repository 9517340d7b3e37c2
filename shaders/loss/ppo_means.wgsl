// Adds a mini-batch's means to the batch's totals and clears its sums. Sums: see ppo_sums.wgsl. Totals:
//   mini-batches, skipped, policy, value, policy + vf_coef value, entropy, approxkl, policykl, policy clip fraction, ratio,
//   V, (V - R)^2, value clip fraction.   Losses of a skipped mini-batch count as 0. Params: threshold, vf_coef.
// sums, totals: [16].
struct Params { threshold: f32, vf_coef: f32 }
@group(0) @binding(0) var<storage, read_write> sums: array<f32>;
@group(0) @binding(1) var<storage, read_write> totals: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  let rows = max(sums[0], 1.0);
  let ratio = sums[3] / rows;
  let is_finite = (bitcast<u32>(ratio) & 0x7f800000u) != 0x7f800000u;
  let applies = is_finite && ratio <= params.threshold;
  totals[0] += 1.0;
  if (applies) {
    let policy = sums[1] / rows;
    let value = sums[2] / rows;
    totals[2] += policy;
    totals[3] += value;
    totals[4] += policy + params.vf_coef * value;
  } else {
    totals[1] += 1.0;
  }
  totals[5] += sums[8] / rows;
  totals[6] += 0.5 * sums[6] / rows;
  totals[7] -= sums[7] / rows;
  totals[8] += sums[4] / rows;
  totals[9] += ratio;
  totals[10] += sums[9] / rows;
  totals[11] += sums[10] / rows;
  totals[12] += sums[5] / rows;
  for (var i = 0u; i < 16u; i++) { sums[i] = 0.0; }
}
