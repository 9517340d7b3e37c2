// y[r] = (x[r] - mean) / sqrt(var + 1e-8) over rows r < counts[1], else 0;  moments = (mean, var, n, 0), var unbiased: / (n - 1).
// Two passes over x in one workgroup; lanes stride rows, sums are added in lane order. TRL 0.11 masked_whiten. Params: rows.
// x, y: [R]; moments: [4].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> moments: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

fn total() -> f32 {
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += partial[i]; }
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  let live = min(params.rows, counts[1]);
  var sum = 0.0;
  for (var r = lane.x; r < live; r += LANES) { sum += x[r]; }
  partial[lane.x] = sum;
  let mean = total() / f32(max(live, 1u));
  var squares = 0.0;
  for (var r = lane.x; r < live; r += LANES) { squares += (x[r] - mean) * (x[r] - mean); }
  partial[lane.x] = squares;
  let variance = total() / f32(max(live, 2u) - 1u);
  let scale = 1.0 / sqrt(variance + 1e-8);
  for (var r = lane.x; r < params.rows; r += LANES) {
    if (r < live) { y[r] = (x[r] - mean) * scale; } else { y[r] = 0.0; }
  }
  if (lane.x == 0u) {
    moments[0] = mean;
    moments[1] = variance;
    moments[2] = f32(live);
    moments[3] = 0.0;
  }
}
