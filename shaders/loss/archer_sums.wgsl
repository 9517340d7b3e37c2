// Sums over tokens r < counts[1], with A = advantage[utterance[r]], weight = (w, u), v = 0 without a baseline (HAS_VALUE 0):
//   (tokens, -w (A - v) logp, entropy, u (A - v)^2 with a baseline, v, A - v, logp, 0)
// One workgroup; lanes stride, then add in lane order. Params: rows. Constants: HAS_VALUE.
// logp, entropy, utterance: [R]; v: [R, 1]; advantage: [N]; weight: [4]; sums: [8].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> entropy: array<f32>;
@group(0) @binding(2) var<storage, read> value: array<f32>;
@group(0) @binding(3) var<storage, read> utterance: array<u32>;
@group(0) @binding(4) var<storage, read> advantage: array<f32>;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const TERMS = 2u;
// #include "lane_sums"

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = array<vec4f, TERMS>();
  for (var r = lane.x; r < min(params.rows, counts[1]); r += LANES) {
    var v = 0.0;
    if (HAS_VALUE == 1u) { v = value[r]; }
    let residual = advantage[utterance[r]] - v;
    sum[0] += vec4f(1.0, -weight[0] * residual * logp[r], entropy[r], f32(HAS_VALUE) * weight[1] * residual * residual);
    sum[1] += vec4f(v, residual, logp[r], 0.0);
  }
  write_sums(lane.x, sum);
}
