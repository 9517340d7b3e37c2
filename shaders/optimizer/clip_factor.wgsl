// From the chunk sums: state = (factor, gradient norm, applied?, skipped so far, q1, q2, steps applied).
//   norm = sqrt(sum partial) * grad_scale;  factor = grad_scale * min(1, max_norm / (norm + 1e-6)), max_norm 0 means no clipping
//   q_i <- q_i + (1 - beta_i)(1 - q_i), which is 1 - beta_i^steps without cancellation, advanced only when the step applies.
// hyper = (lr, 1 - beta1, 1 - beta2, eps, weight decay, max_norm, grad_scale, unused). One invocation.
// partial: [chunks]; hyper, state: [8].
struct Params { chunks: u32 }
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> hyper: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> lane_sum: array<f32, 64>;
var<workgroup> lane_bad: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = 0.0;
  var bad = 0u;
  for (var i = lane.x; i < params.chunks; i += 64u) {
    let value = partial[i];
    if (value < 0.0 || (bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) { bad = 1u; } else { sum += value; }
  }
  lane_sum[lane.x] = sum;
  lane_bad[lane.x] = bad;
  workgroupBarrier();
  if (lane.x != 0u) { return; }
  var total = 0.0;
  var any = 0u;
  for (var i = 0u; i < 64u; i++) { total += lane_sum[i]; any |= lane_bad[i]; }
  let scale = hyper[6];
  let norm = sqrt(total) * scale;
  var factor = scale;
  if (hyper[5] > 0.0) { factor = scale * min(1.0, hyper[5] / (norm + 1e-6)); }
  if (any == 1u) {
    state[0] = 0.0;
    state[1] = -1.0;
    state[2] = 0.0;
    state[3] += 1.0;
    return;
  }
  state[0] = factor;
  state[1] = norm;
  state[2] = 1.0;
  state[4] += hyper[1] * (1.0 - state[4]);
  state[5] += hyper[2] * (1.0 - state[5]);
  state[6] += 1.0;
}
