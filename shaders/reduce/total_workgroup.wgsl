// Returns the sum of `own` over the LANES of a workgroup to every lane: each lane adds all terms in lane order after one barrier.
var<workgroup> partial: array<f32, LANES>;

fn total_of(own: f32, lane: u32) -> f32 {
  partial[lane] = own;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += partial[i]; }
  return total;
}
