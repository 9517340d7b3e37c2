// dlogp[r] of  sum_r w[r] (policy_r + beta c_r k3_r)  over rows r < counts[1], else 0.  k3 = exp(ref - logp) - (ref - logp) - 1.
// c is 1 (KL 1) or the ratio, through which the slope runs too (KL 2: the unbiased slope of DeepSeek-V3.2, arXiv:2512.02556).
// table[row] = (logp_old, logp_ref, A, 0). With a sequence ratio every row of a sequence shares the slopes of all of them.
// Params: rows, epsilon_low, epsilon_high, delta, beta. Constants: SEQUENCE, CISPO, HAS_DELTA, KL.
// logp, table_row, w, dlogp: [R]; table: [B, 4]; span: [R, 2], the first and the end row of the row's sequence.
struct Params { rows: u32, epsilon_low: f32, epsilon_high: f32, delta: f32, beta: f32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> table_row: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec4f>;
@group(0) @binding(3) var<storage, read> span: array<u32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;
// #include "flat"
// #include "grpo_terms"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= params.rows) { return; }
  if (r >= counts[1]) { dlogp[r] = 0.0; return; }
  let log_ratio = grpo_log_ratio(r);
  var slope = 0.0;
  if (SEQUENCE == 1u && CISPO == 0u) {
    let first = span[2u * r];
    let end = span[2u * r + 1u];
    for (var t = first; t < end; t++) { slope += weight[t] * grpo_term(t, log_ratio).slope; }
    slope /= f32(max(1u, end - first));
  } else {
    slope = weight[r] * grpo_term(r, log_ratio).slope;
  }
  if (KL != 0u) {
    let k3_slope = 1.0 - exp(table[table_row[r]].y - logp[r]);
    if (KL == 1u) {
      slope += weight[r] * params.beta * k3_slope;
    } else {
      var mean = 0.0;
      if (SEQUENCE == 1u) {
        let first = span[2u * r];
        let end = span[2u * r + 1u];
        for (var t = first; t < end; t++) { mean += weight[t] * grpo_k3(t); }
        mean /= f32(max(1u, end - first));
      } else {
        mean = weight[r] * grpo_k3(r);
      }
      slope += params.beta * exp(log_ratio) * (weight[r] * k3_slope + mean);
    }
  }
  dlogp[r] = slope;
}
