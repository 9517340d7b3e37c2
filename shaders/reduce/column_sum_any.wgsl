// y[n] = sum over m < counts[count_word] of x[m, n] (or added onto y): any N, one workgroup per column.
// x: [M, N]; y: [N].
struct Params { n: u32, count_word: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  var sum = 0.0;
  for (var m = lane.x; m < counts[params.count_word]; m += 64u) { sum += x[m * params.n + group.x]; }
  partial[lane.x] = sum;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = 0.0;
    for (var i = 0u; i < 64u; i++) { total += partial[i]; }
    if (params.accumulate == 1u) { y[group.x] += total; } else { y[group.x] = total; }
  }
}
