// Adds up the sums of a workgroup: every lane passes its own sums, then one lane per vector adds them in lane order and writes sums[i].
// Constants: TERMS, vectors in all.
const LANES = 64u;
var<workgroup> partial: array<array<vec4f, TERMS>, LANES>;

fn write_sums(lane: u32, own: array<vec4f, TERMS>) {
  partial[lane] = own;
  workgroupBarrier();
  if (lane < TERMS) {
    var total = vec4f();
    for (var i = 0u; i < LANES; i++) { total += partial[i][lane]; }
    sums[lane] = total;
  }
}
