"""
Stands in for the package mpmath, which the benchmark's MathAPI uses for logarithms: `mp.dps`, `log` of real numbers, and numbers that
divide, compare and print as mpmath's do at the same precision.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction


class _Precision:
    """So many decimal digits are so many binary ones, and the other way round, by mpmath's rules."""

    def __init__(self):
        self.dps = 15

    @property
    def dps(self):
        return self._dps

    @dps.setter
    def dps(self, digits):
        self.prec = max(1, int(round((int(digits) + 1) * 3.3219280948873626)))
        self._dps = max(1, int(digits))

    @property
    def shown_digits(self):
        """As many as give the same number when they are read again."""
        digits = max(1, int(round(self.prec / 3.3219280948873626) - 1))
        return 17 if digits == 15 else digits + 3


mp = _Precision()


def _rounded(value, bits):
    """To the nearest number with so many binary digits, to an even one from halfway."""
    if value == 0:
        return value
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length() - bits
    while size >= Fraction(2) ** (exponent + bits):
        exponent += 1
    while size < Fraction(2) ** (exponent + bits - 1):
        exponent -= 1
    unit = Fraction(2) ** exponent
    return round(value / unit) * unit


def _fraction(value):
    if isinstance(value, mpf):
        return value._value
    if isinstance(value, (int, float)):
        return Fraction(value)
    if isinstance(value, str):
        return _rounded(Fraction(value), mp.prec)
    raise TypeError("cannot create mpf from " + repr(value))


def _divide(dividend, divisor):
    if divisor == 0:
        # Without words, as mpmath's.
        raise ZeroDivisionError
    return dividend / divisor


class mpf:
    def __init__(self, value=0):
        self._value = value if isinstance(value, Fraction) else _fraction(value)

    def _with(self, other, operation):
        if not isinstance(other, (int, float, mpf)):
            return NotImplemented
        return mpf(_rounded(operation(self._value, _fraction(other)), mp.prec))

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._with(other, _divide)

    def __radd__(self, other):
        return self._with(other, lambda a, b: b + a)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __rmul__(self, other):
        return self._with(other, lambda a, b: b * a)

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: _divide(b, a))

    def __neg__(self):
        return mpf(-self._value)

    def __abs__(self):
        return mpf(abs(self._value))

    def __eq__(self, other):
        return isinstance(other, (int, float, mpf)) and self._value == _fraction(other)

    def __lt__(self, other):
        return self._value < _fraction(other)

    def __le__(self, other):
        return self._value <= _fraction(other)

    def __gt__(self, other):
        return self._value > _fraction(other)

    def __ge__(self, other):
        return self._value >= _fraction(other)

    def __hash__(self):
        return hash(self._value)

    def __bool__(self):
        return self._value != 0

    def __float__(self):
        return float(self._value)

    def __int__(self):
        return int(self._value)

    def __round__(self, digits=0):
        return round(float(self._value), digits)

    def __repr__(self):
        return f"mpf('{_text(self._value, mp.shown_digits)}')"

    def __str__(self):
        return _text(self._value, mp.dps)


def _text(value, digits):
    """With so many significant digits, without zeros at the end; small and large ones with an exponent."""
    if value == 0:
        return "0.0"
    context = Context(prec=digits, rounding="ROUND_HALF_UP", Emax=MAX_EMAX, Emin=MIN_EMIN)
    exact = Context(prec=digits + 40 + value.denominator.bit_length(), Emax=MAX_EMAX, Emin=MIN_EMIN)
    shown = context.plus(exact.divide(Decimal(value.numerator), Decimal(value.denominator)))
    sign, all_digits, _ = shown.as_tuple()
    text, exponent = "".join(map(str, all_digits)), shown.adjusted()
    text = text.ljust(digits, "0")
    if min(-(digits // 3), -5) < exponent < digits:
        if exponent < 0:
            text, exponent = "0" * -exponent + text, 0
            point = 1
        else:
            point = exponent + 1
            exponent = 0
        text = f"{text[:point]}.{text[point:]}"
    else:
        text = f"{text[0]}.{text[1:]}"
    text = text.rstrip("0")
    text += "0" if text.endswith(".") else ""
    suffix = "" if exponent == 0 else f"e{'+' if exponent > 0 else ''}{exponent}"
    return f"{'-' if sign else ''}{text}{suffix}"


def log(value, base=None):
    if base is not None:
        return log(value) / log(base)
    number = _fraction(value)
    if number <= 0:
        raise ValueError("the logarithm of a number that is not positive is not computed here")
    # Twenty digits more than are kept: a tie of the last one does not occur.
    precise = Context(prec=mp.dps + 25, Emax=MAX_EMAX, Emin=MIN_EMIN)
    wide = Context(prec=mp.dps + 25 + number.denominator.bit_length() + number.numerator.bit_length(), Emax=MAX_EMAX, Emin=MIN_EMIN)
    logarithm = precise.ln(wide.divide(Decimal(number.numerator), Decimal(number.denominator)))
    return mpf(_rounded(Fraction(logarithm), mp.prec))
