// partial[c] = sum of g[i]^2 over chunk c (CHUNK words); a word that is not finite makes the partial not finite by its bits.
// Constants: CHUNK. Params: count of g, first chunk of partial.
// g: [count]; partial: [chunks].
// #include "flat"
struct Params { count: u32, first: u32 }
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> lane_sum: array<f32, 64>;
var<workgroup> lane_bad: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let chunk = flat_workgroup(group, groups);
  let first = chunk * CHUNK;
  if (first >= params.count) { return; }
  let end = min(first + CHUNK, params.count);
  var sum = 0.0;
  var bad = 0u;
  for (var i = first + lane.x; i < end; i += 64u) {
    let value = g[i];
    // NaN compares equal to nothing on no adapter alike, so the exponent bits decide.
    if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) { bad = 1u; } else { sum += value * value; }
  }
  lane_sum[lane.x] = sum;
  lane_bad[lane.x] = bad;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = 0.0;
    var any = 0u;
    for (var i = 0u; i < 64u; i++) { total += lane_sum[i]; any |= lane_bad[i]; }
    // Sums of squares are never negative: -1 marks a chunk that holds a value that is not finite.
    partial[params.first + chunk] = select(total, -1.0, any == 1u);
  }
}
