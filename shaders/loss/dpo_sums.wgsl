// Sums over pairs p < counts[2] / 2:  pairs, weight loss, beta ratio_chosen, beta ratio_rejected, beta (ratio_chosen - ratio_rejected),
// whether ratio_chosen > ratio_rejected, logp_chosen, logp_rejected; and over rows r < counts[1]:  rows, entropy,
// rows of chosen answers, how many of these are is_top1, mean_logits of these, mean_logits of rejected rows, and these rows
// (row_sequence is 2p or 2p + 1).
// pairs [P, 8] is computed by dpo_pairs; weight [P]; entropy, row_sequence, is_top1, mean_logits [R]. One workgroup; lanes stride, then add in lane order. Params: pairs, rows, beta.
struct Params { pairs: u32, rows: u32, beta: f32 }
@group(0) @binding(0) var<storage, read> pairs: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> row_sequence: array<u32>;
@group(0) @binding(5) var<storage, read> is_top1: array<f32>;
@group(0) @binding(6) var<storage, read> mean_logits: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const TERMS = 4u;
// #include "lane_sums"

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = array<vec4f, TERMS>();
  for (var p = lane.x; p < min(params.pairs, counts[2] / 2u); p += LANES) {
    let sides = pairs[2u * p];
    let is_right = select(0.0, 1.0, sides.z > sides.w);
    sum[0] += vec4f(1.0, weight[p] * pairs[2u * p + 1u].x, params.beta * sides.z, params.beta * sides.w);
    sum[1] += vec4f(params.beta * (sides.z - sides.w), is_right, sides.x, sides.y);
  }
  for (var r = lane.x; r < min(params.rows, counts[1]); r += LANES) {
    let is_chosen = f32(1u - row_sequence[r] % 2u);
    sum[2] += vec4f(1.0, entropy[r], is_chosen, is_chosen * is_top1[r]);
    sum[3] += vec4f(is_chosen * mean_logits[r], (1.0 - is_chosen) * mean_logits[r], 1.0 - is_chosen, 0.0);
  }
  write_sums(lane.x, sum);
}
