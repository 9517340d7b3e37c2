// loss = -sum_r weight[r] * logp[r],  dlogp[r] = -weight[r],  over rows r < counts[1].
// totals = (loss, rows, sum of entropy, sum of is_top1): means over the tokens of a step are taken where micro-batches have added up.
// All arrays [R]. One workgroup; lanes stride rows, then lane 0 adds in lane order.
// The host sets weight = 1 / (supervised tokens of the whole accumulated batch), so that micro-batches add up exactly.
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> entropy: array<f32>;
@group(0) @binding(4) var<storage, read> is_top1: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(6) var<storage, read_write> totals: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> partial: array<vec3f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  let live = min(params.rows, counts[1]);
  var sum = vec3f();
  for (var r = lane.x; r < params.rows; r += 64u) {
    var w = 0.0;
    if (r < live) { w = weight[r]; sum += vec3f(-w * logp[r], entropy[r], is_top1[r]); }
    dlogp[r] = -w;
  }
  partial[lane.x] = sum;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = vec3f();
    for (var i = 0u; i < 64u; i++) { total += partial[i]; }
    totals[0] = total.x;
    totals[1] = f32(live);
    totals[2] = total.y;
    totals[3] = total.z;
  }
}
