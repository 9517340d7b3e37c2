// One token's GRPO term (DeepSeekMath 2024; DAPO, GSPO, INTELLECT-2's delta, CISPO) and its slope in the log-ratio, policy part only.
// Constants: SEQUENCE (0 token, 1 sequence ratio), CISPO, HAS_DELTA.
struct GrpoTerm { ratio: f32, loss: f32, slope: f32, low: f32, high: f32 }

// Log-ratio a row's clipping sees: its own, or the mean over its sequence's rows in this micro-batch.
fn grpo_log_ratio(r: u32) -> f32 {
  if (SEQUENCE == 0u) { return logp[r] - table[table_row[r]].x; }
  let first = span[2u * r];
  let end = span[2u * r + 1u];
  var sum = 0.0;
  for (var t = first; t < end; t++) { sum += logp[t] - table[table_row[t]].x; }
  return sum / f32(max(1u, end - first));
}

// The k3 estimate of KL(pi || pi_ref) at a row.
fn grpo_k3(r: u32) -> f32 {
  let x = table[table_row[r]].y - logp[r];
  return exp(x) - x - 1.0;
}

fn grpo_term(r: u32, log_ratio: f32) -> GrpoTerm {
  let advantage = table[table_row[r]].z;
  let ratio = exp(log_ratio);
  let lowest = 1.0 - params.epsilon_low;
  let highest = 1.0 + params.epsilon_high;
  if (CISPO == 1u) {
    let weight = min(ratio, params.epsilon_high);
    let is_clipped = select(0.0, 1.0, ratio > params.epsilon_high && advantage > 0.0);
    return GrpoTerm(ratio, -weight * advantage * logp[r], -weight * advantage, 0.0, is_clipped);
  }
  let near = clamp(ratio, lowest, highest);
  var capped = ratio;
  if (HAS_DELTA == 1u) { capped = min(ratio, params.delta); }
  let plain = capped * advantage;
  let clipped = near * advantage;
  let plain_slope = select(-advantage * ratio, 0.0, capped < ratio);
  let clipped_slope = select(0.0, -advantage * ratio, ratio >= lowest && ratio <= highest);
  var slope = 0.5 * (plain_slope + clipped_slope);
  if (plain < clipped) { slope = plain_slope; }
  if (clipped < plain) { slope = clipped_slope; }
  let low = select(0.0, 1.0, capped < lowest && advantage < 0.0);
  let high = select(0.0, 1.0, capped > highest && advantage > 0.0);
  return GrpoTerm(ratio, -min(plain, clipped), slope, low, high);
}
