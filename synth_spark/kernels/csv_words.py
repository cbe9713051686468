"""The walk over the quotes of a CSV, eight bytes at once, as far as quotes only begin and end values.

A word is eight bytes of a file, the first one lowest. What is found in a word is a mask: a one in every byte of which
something is true, else a zero.
"""

import numpy as np

from synth_spark.kernels.csv_state import CLOSED, FIELDS, FILLED, LINES, OPENED, PLACE, PLAIN, QUOTED, RETURNED, START
from synth_spark.kernels.numba_cache import compiled

_NONE, _ONE, _BYTE, _LAST, _SIGN = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(56), np.uint64(7)
_ONES, _LOWS, _HIGHS = (np.uint64(0x0101010101010101 * byte) for byte in (1, 0x7F, 0x80))
_LINE_FEEDS, _RETURNS = np.uint64(0x0101010101010101 * 10), np.uint64(0x0101010101010101 * 13)
#: What is added to the lower bits of a byte to carry into its highest one if it is more than a blank.
_BEYOND_BLANK = np.uint64(0x0101010101010101 * (0x80 - 33))
#: One more than the highest of the bytes in which a line ends.
_BEHIND_ENDS = np.uint64(0x0101010101010101 * 14)


@compiled
def by_words(units, words, first, state, signs, multiline, width, ends, filled, found):
    """Go on through words until one needs a look at each of its bytes; returns its number, and how many records end.

    That is a word with a quote inside of an unquoted value, text behind a closing quote, blanks around quotes, a line
    break in quotes where there may be none, an escape that is not the quote, or a record of a wrong number of fields.

    Args:
        units: the bytes.
        words: the same, eight at once.
        first: the number of the word to begin with.
        state: of the scan, which is in none of the places `BEYOND`, `ESCAPED` and `LOOSE`; it is left behind the words.
        signs: delimiter, quote and escape.
        multiline: whether quoted values may hold line breaks.
        width: fields of a record; 0 if any number will do.
        ends: takes the place behind each record and its line end, if it has room for any.
        filled: takes whether a record is more than blanks.
        found: how many records have ended before.
    """
    delimiters, quotes, escapes = np.uint64(signs[0]) * _ONES, np.uint64(signs[1]) * _ONES, np.uint64(signs[2]) * _ONES
    doubled, unbroken = (_ONES if escapes == quotes else _NONE), (_NONE if multiline else _ONES)
    place, lines, some, fields, opened = state[PLACE], state[LINES], state[FILLED], state[FIELDS], state[OPENED]
    inside, closed = (_ONES if place == QUOTED else _NONE), (_ONE if place == CLOSED else _NONE)
    begins = (_ONE if place == START else _NONE) | (closed & doubled)
    returned, at = np.uint64(state[RETURNED]), first
    while at < len(words):
        word = words[at]
        end, counted, last_return = _NONE, _NONE, _NONE
        if (word - _BEHIND_ENDS) & ~word & _HIGHS:  # few words hold the end of a line
            returns, feeds = _same(word, _RETURNS), _same(word, _LINE_FEEDS)
            end, counted = returns | feeds, returns | (feeds & ~((returns << _BYTE) | returned))
            last_return = returns >> _LAST
        quote, delimiter = _same(word, quotes), _same(word, delimiters)
        quoted = ((quote * _ONES) & _ONES) ^ inside  # whether what follows a byte is in quotes
        opening, closing = quote & quoted, quote & ~quoted
        edge, behind = delimiter | end | (quote & doubled), (closing << _BYTE) | closed
        wrong = (opening & ~((edge << _BYTE) | begins)) | (behind & ~edge) | (end & quoted & unbroken)
        if wrong or (doubled == _NONE and _same(word, escapes)):
            break
        content = ((((word & _LOWS) + _BEYOND_BLANK) | word) & _HIGHS) >> _SIGN | delimiter | quote
        outside, between = end & ~quoted, delimiter & ~quoted
        if outside:
            more, some_behind, fields_behind = _ended(
                8 * at, outside, between, content, some, fields, width, ends, filled, found
            )
            if more < 0:
                break
            found, some, fields = more, some_behind, fields_behind
        else:
            some, fields = (1 if content else some), fields + _number(between)
        if opening & ~behind:  # no quote that stands for itself
            opened = lines + 1 + (_number(counted & _below_last(opening & ~behind)) if counted else 0)
        lines += _number(counted)
        inside, closed, begins = (quoted >> _LAST) * _ONES, closing >> _LAST, edge >> _LAST
        returned, at = last_return, at + 1
    if at > first:
        place = QUOTED if inside else CLOSED if closed else _place(units, 8 * first, 8 * at, signs[0], place)
        state[PLACE], state[LINES], state[FILLED], state[FIELDS], state[OPENED] = place, lines, some, fields, opened
        state[RETURNED] = np.int64(returned)
    return at, found


@compiled
def _same(word, other):
    """Which bytes are the same in two words."""
    differing = word ^ other
    return ~(((differing & _LOWS) + _LOWS) | differing | _LOWS) >> _SIGN


@compiled
def _number(mask):
    """How many ones a mask holds."""
    return np.int64((mask * _ONES) >> _LAST)


@compiled
def _below_last(mask):
    """All bits below the last one of a mask that has one."""
    while mask & (mask - _ONE):
        mask &= mask - _ONE
    return mask - _ONE


@compiled
def _ended(begin, outside, between, content, some, fields, width, ends, filled, found):
    """Take the records that end in a word; returns their number, and what the record behind them holds so far.

    Args:
        begin: the place of the word.
        outside: where lines end outside of quotes; somewhere.
        between: where delimiters are outside of quotes.
        content: where more than blanks is.
        some: whether the first record is more than blanks before the word.
        fields: delimiters of the first record before the word.
        width: fields of a record; 0 if any number will do. A record of another number makes the answer -1.
        ends: see `by_words`.
        filled: see `by_words`.
        found: how many records have ended before.
    """
    rest = ~_NONE
    while outside:
        end = outside & (~outside + _ONE)
        record = (end - _ONE) & rest
        some, fields = (1 if content & record else some), fields + _number(between & record)
        if width > 0 and some == 1 and fields + 1 != width:
            return -1, some, fields
        if len(ends) > 0:
            ends[found], filled[found] = begin + 1 + _number((end - _ONE) & _ONES), some == 1
        found, some, fields = found + 1, 0, 0
        rest, outside = ~(end | (end - _ONE)), outside & (outside - _ONE)
    return found, 1 if content & rest else 0, _number(between & rest)


@compiled
def _place(units, begin, end, delimiter, place):
    """The place behind units outside of quotes, of which the last is no closing quote, from the place before them."""
    for at in range(end - 1, begin - 1, -1):
        if units[at] == delimiter or units[at] == 10 or units[at] == 13:
            return START
        if units[at] > 32:
            return PLAIN
    return place
