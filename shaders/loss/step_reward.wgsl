// reward[r] = score[r] - beta * kl[r] over rows r < counts[1], else 0.  kl: 0 logp - ref (k1), 1 |logp - ref|, 2 (logp - ref)^2 / 2 (k2),
// 3 exp(ref - logp) - (ref - logp) - 1 (k3).
// beta = coefficient[0]. TRL 0.11 PPOTrainer.compute_rewards. Params: rows, penalty.
// logp, ref, score, reward, kl: [R]; coefficient: [4].
// #include "flat"
struct Params { rows: u32, penalty: u32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> reference: array<f32>;
@group(0) @binding(2) var<storage, read> score: array<f32>;
@group(0) @binding(3) var<storage, read> coefficient: array<f32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> reward: array<f32>;
@group(0) @binding(6) var<storage, read_write> kl: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let r = flat_workgroup(group, groups) * 64u + lane.x;
  if (r >= params.rows) { return; }
  if (r >= counts[1]) { reward[r] = 0.0; kl[r] = 0.0; return; }
  var penalty = logp[r] - reference[r];
  if (params.penalty == 1u) { penalty = abs(penalty); }
  if (params.penalty == 2u) { penalty = 0.5 * penalty * penalty; }
  if (params.penalty == 3u) { penalty = exp(-penalty) + penalty - 1.0; }
  kl[r] = penalty;
  reward[r] = score[r] - coefficient[0] * penalty;
}
