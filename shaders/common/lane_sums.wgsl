// One workgroup's sums: every lane gives what it added up itself, then one lane for each vector adds those in lane order and writes sums[i].
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
