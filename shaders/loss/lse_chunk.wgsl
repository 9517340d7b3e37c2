// Online log-sum-exp over one vocabulary chunk of logits, a row per workgroup. state[r] = (max, sum, weighted, picked):
//   sum = sum_v exp(z_v - max), weighted = sum_v exp(z_v - max) * z_v, picked = z of the target.
// logits: [R, WIDTH] holds vocabulary entries FIRST .. FIRST + LIVE, LIVE <= WIDTH. Rows at or past counts[1] are skipped.
// is_top1[r]: 1 if no entry so far is greater than the target's and none before it equal, from the target's chunk on; else 0.
// When the chunk is the last: logp[r] = picked - lse, lse[r] = max + log(sum), entropy[r] = lse - weighted / sum  (nats).
// Params: rows, first, width, is_first, is_last, live.
// state: [R, 4]; targets, logp, lse, entropy, is_top1: [R].
// #include "flat"
struct Params { rows: u32, first: u32, width: u32, is_first: u32, is_last: u32, live: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> logp: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(7) var<storage, read_write> is_top1: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

// Greatest logit, and greatest of those before the target.
var<workgroup> lane_max: array<vec2f, 32>;
var<workgroup> lane_sums: array<vec2f, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  if (row >= counts[1]) {
    if (lane.x == 0u && params.is_last == 1u) { logp[row] = 0.0; lse[row] = 0.0; entropy[row] = 0.0; is_top1[row] = 0.0; }
    return;
  }
  var before = vec4f(-1e30, 0.0, 0.0, 0.0);
  if (params.is_first == 0u) { before = state[row]; }
  let at = row * params.width;
  let target_id = targets[row];
  var local = before.xx;
  for (var i = lane.x; i < params.live; i += 32u) {
    let z = logits[at + i];
    local = vec2f(max(local.x, z), select(local.y, max(local.y, z), params.first + i < target_id));
  }
  lane_max[lane.x] = local;
  workgroupBarrier();
  var greatest = before.xx;
  for (var i = 0u; i < 32u; i++) { greatest = max(greatest, lane_max[i]); }
  let m = greatest.x;
  var sums = vec2f();
  for (var i = lane.x; i < params.live; i += 32u) {
    let z = logits[at + i];
    let e = exp(z - m);
    sums += vec2f(e, e * z);
  }
  lane_sums[lane.x] = sums;
  workgroupBarrier();
  if (lane.x == 0u) {
    let keep = exp(before.x - m);
    var total = before.yz * keep;
    for (var i = 0u; i < 32u; i++) { total += lane_sums[i]; }
    var picked = before.w;
    var top1 = 0.0;
    if (params.is_first == 0u) { top1 = select(0.0, is_top1[row], picked >= m); }
    if (target_id >= params.first && target_id < params.first + params.live) {
      picked = logits[at + target_id - params.first];
      top1 = select(0.0, 1.0, picked >= m && picked > greatest.y);
    }
    is_top1[row] = top1;
    state[row] = vec4f(m, total, picked);
    if (params.is_last == 1u) {
      let value = m + log(total.x);
      lse[row] = value;
      logp[row] = picked - value;
      entropy[row] = value - total.y / total.x;
    }
  }
}
