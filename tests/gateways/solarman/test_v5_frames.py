"""The frames of V5, byte for byte, and what is made of bytes that are none."""

import logging

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)
from pysolarmanv5 import PySolarmanV5

from custom_components.energy_suite.gateways.solarman.v5 import LARGEST_SERIAL, Frame, Stick, V5Framer, decode, encode

SERIAL = 2355553510
SEQUENCE = 0x21
WORDS = [3605, 52, 1874, 3410, 48, 1637]
RESPONSE, HEARTBEAT = 0x15, 0x47

# The fields between the logger serial and the RTU frame, in a request and in a response.
ASKING = "02 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
TELLING = "02 01 E8 03 00 00 F4 01 00 00 00 F1 53 65"

READ = bytes.fromhex("01 03 31 30 00 06 CB 3B")
WRITE_SEVERAL = bytes.fromhex("01 10 34 00 00 01 02 00 01 12 53")
WRITE_ONE = bytes.fromhex("01 06 34 00 00 01 46 3A")
SIX_WORDS = bytes.fromhex("01 03 0C 0E 15 00 34 07 52 0D 52 00 30 06 65 10 1C")
REFUSAL = bytes.fromhex("01 83 02 C0 F1")
NOTHING_HEARD = bytes.fromhex("05 00")

REQUESTS = {
    "read": (SEQUENCE, READ, f"A5 17 00 10 45 21 00 E6 E4 66 8C {ASKING} {READ.hex()} BC 15"),
    "write several": (0x22, WRITE_SEVERAL, f"A5 1A 00 10 45 22 00 E6 E4 66 8C {ASKING} {WRITE_SEVERAL.hex()} FD 15"),
    "write one": (0x23, WRITE_ONE, f"A5 17 00 10 45 23 00 E6 E4 66 8C {ASKING} {WRITE_ONE.hex()} 09 15"),
}
ANSWERS = {
    "words": (SIX_WORDS, f"A5 1F 00 10 15 21 05 E6 E4 66 8C {TELLING} {SIX_WORDS.hex()} 98 15"),
    "double CRC": (
        SIX_WORDS + b"\0\0",
        f"A5 21 00 10 15 21 06 E6 E4 66 8C {TELLING} {SIX_WORDS.hex()} 00 00 9B 15",
    ),
    "refusal": (REFUSAL, f"A5 13 00 10 15 21 07 E6 E4 66 8C {TELLING} {REFUSAL.hex()} DF 15"),
    "nothing heard": (NOTHING_HEARD, f"A5 10 00 10 15 21 08 E6 E4 66 8C {TELLING} {NOTHING_HEARD.hex()} AB 15"),
}
HEARTBEAT_SEEN = bytes.fromhex("A5 01 00 10 47 8D 69 B5 B5 0A A2 00 64 15")
LONGEST_FRAME = 512 + 13


def with_crc(body):
    return body + FramerRTU.compute_CRC(body).to_bytes(2)


def framed(payload, *, kind=RESPONSE, sequence=SEQUENCE, counter=5, serial=SERIAL):
    """A frame, put together by hand."""
    frame = b"\xa5" + len(payload).to_bytes(2, "little") + bytes((0x10, kind, sequence, counter))
    frame += serial.to_bytes(4, "little") + payload
    return frame + bytes((sum(frame[1:]) % 256, 0x15))


def answered(rtu, *, frame_type=2, **header):
    """The frame of an answer."""
    return framed(bytes((frame_type,)) + bytes.fromhex(TELLING)[1:] + rtu, **header)


ANSWER = answered(SIX_WORDS)


def read_words(count=6, address=0x3130):
    return ReadHoldingRegistersRequest(address=address, count=count, dev_id=1)


class Link:
    """A framer between the one who asks and what comes over the wire, which is kept as pymodbus keeps it."""

    def __init__(self, request: ModbusPDU | None = None, *, sequence: int = SEQUENCE) -> None:
        self.stick = Stick(SERIAL, sequence=(sequence - 1) % 256)
        self.framer = V5Framer(DecodePDU(is_server=False), self.stick)
        self.kept = b""
        self.sent = self.framer.buildFrame(request) if request else b""

    def hear(self, data: bytes) -> ModbusPDU | None:
        self.kept += data
        used, answer = self.framer.handleFrame(self.kept, 1, 7)
        self.kept = self.kept[used:]
        return answer

    def words(self, data: bytes) -> list[int] | None:
        answer = self.hear(data)
        return answer.registers if answer else None


# --- the vectors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sequence", "rtu", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_framed_byte_for_byte(sequence, rtu, expected):
    assert encode(SERIAL, sequence, rtu) == bytes.fromhex(expected)


@pytest.mark.parametrize(("sequence", "rtu", "frame"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_read_byte_for_byte(sequence, rtu, frame):
    data = bytes.fromhex(frame)
    assert decode(data) == (len(data), Frame(0x45, sequence, SERIAL, bytes.fromhex(ASKING) + rtu))


@pytest.mark.parametrize(("rtu", "frame"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_byte_for_byte(rtu, frame):
    data = bytes.fromhex(frame)
    assert decode(data) == (len(data), Frame(RESPONSE, SEQUENCE, SERIAL, bytes.fromhex(TELLING) + rtu))


@pytest.mark.parametrize(
    ("request_", "vector"),
    [
        (read_words(), "read"),
        (WriteMultipleRegistersRequest(address=0x3400, registers=[1], dev_id=1), "write several"),
        (WriteSingleRegisterRequest(address=0x3400, registers=[1], dev_id=1), "write one"),
    ],
    ids=REQUESTS,
)
def test_the_requests_of_the_library_become_those_of_the_captures(request_, vector):
    sequence, _, expected = REQUESTS[vector]
    assert Link(request_, sequence=sequence).sent == bytes.fromhex(expected)


@pytest.mark.parametrize("vector", ["words", "double CRC"])
def test_the_answers_of_the_captures_become_words(vector):
    assert Link(read_words()).words(bytes.fromhex(ANSWERS[vector][1])) == WORDS


@pytest.mark.parametrize(("vector", "code"), [("refusal", 2), ("nothing heard", 11)])
def test_the_errors_of_the_captures_become_exceptions(vector, code):
    answer = Link(read_words()).hear(bytes.fromhex(ANSWERS[vector][1]))
    assert isinstance(answer, ExceptionResponse)
    assert (answer.function_code, answer.exception_code) == (0x83, code)


def test_an_answer_tells_how_long_the_stick_has_run():
    link = Link(read_words())
    link.hear(ANSWER)
    assert (link.stick.working_time, link.stick.uptime) == (1000, 500)


@given(
    st.integers(0, LARGEST_SERIAL),
    st.integers(0, 255),
    st.builds(with_crc, st.binary(min_size=6, max_size=250)),
)
def test_another_implementation_frames_a_request_alike(serial, sequence, rtu):
    # With a socket that is none it opens none.
    other = PySolarmanV5("", serial, socket="", logger=logging.getLogger("pysolarmanv5"))
    other.sequence_number = (sequence - 1) % 256
    assert encode(serial, sequence, rtu) == other._v5_frame_encoder(rtu)


def test_the_sequence_starts_over_after_255():
    link = Link(read_words(), sequence=255)
    assert link.framer.buildFrame(read_words())[5] == 0
    assert link.words(answered(SIX_WORDS, sequence=0)) == WORDS


def test_the_sequence_goes_on_over_connections():
    link = Link(read_words())
    again = V5Framer(DecodePDU(is_server=False), link.stick)
    assert again.buildFrame(read_words())[5] == SEQUENCE + 1


# --- a stream of bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, len(ANSWER)))
def test_an_answer_in_pieces_is_whole_with_the_last_of_them(size):
    link = Link(read_words())
    pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    assert [link.words(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [WORDS]
    assert link.stick.dropped == 0


@pytest.mark.parametrize(
    "segment",
    [
        HEARTBEAT_SEEN + ANSWER,
        framed(b"\0", kind=HEARTBEAT) * 3 + ANSWER,
        b"AT+YZCMPVER=MW3_16U_5406_1.53\r\n" + ANSWER,
        SIX_WORDS[:7] + ANSWER,
        b"\xa5" + ANSWER,
        b"\xa5\xa5\xa5\xa5" + ANSWER,
        ANSWER[:20] + ANSWER,
        ANSWER[:-1] + ANSWER,
        b"\xa5\x00\x02\x10" + ANSWER,
        b"\xa5\xff\xff\x10" + ANSWER,
        ANSWER[:-2] + b"\0\x15" + ANSWER,
        ANSWER[:-1] + b"\0" + ANSWER,
        answered(SIX_WORDS, sequence=SEQUENCE - 1) + ANSWER,
    ],
    ids=[
        "heartbeat of another stick",
        "heartbeats",
        "text",
        "fragment of RTU",
        "start",
        "starts",
        "frame cut short",
        "frame without its end",
        "start of a long frame",
        "start of a frame longer than any",
        "wrong checksum",
        "wrong end",
        "late answer",
    ],
)
@pytest.mark.parametrize("size", [None, 1])
def test_an_answer_is_found_behind_what_is_none(segment, size):
    link = Link(read_words())
    size = size or len(segment)
    heard = [link.words(segment[at : at + size]) for at in range(0, len(segment), size)]
    assert heard[-1] == WORDS
    assert heard[:-1] == [None] * (len(heard) - 1)


def test_what_follows_an_answer_is_left_for_later():
    link = Link(read_words())
    assert link.words(ANSWER + b"AT+\r\n" + ANSWER[:9]) == WORDS
    link.framer.buildFrame(read_words())
    assert link.words(ANSWER[9:]) is None
    assert link.words(answered(SIX_WORDS, sequence=SEQUENCE + 1)) == WORDS


def test_an_answer_counts_once():
    link = Link(read_words())
    assert link.words(ANSWER * 2) == WORDS
    assert link.words(b"") is None
    assert link.stick.dropped == 1


def test_an_answer_that_nobody_asked_for_is_dropped():
    link = Link()
    link.stick.sequence = SEQUENCE
    for rtu in (SIX_WORDS, REFUSAL, NOTHING_HEARD):
        assert link.hear(answered(rtu)) is None
    assert link.stick.dropped == 3
    assert not link.stick.echoed


def all_of(data):
    """What is found in bytes that come at once."""
    frames = []
    while (found := decode(data))[1] is not None:
        frames.append(found[1])
        data = data[found[0] :]
    return frames


FRAMES = st.builds(
    framed,
    st.binary(max_size=60),
    kind=st.integers(0, 255),
    sequence=st.integers(0, 255),
    serial=st.integers(0, LARGEST_SERIAL),
)
# What begins like a frame, whatever becomes of it.
STARTS = st.builds(
    lambda length, rest: b"\xa5" + length.to_bytes(2, "little") + b"\x10" + rest, st.integers(0, 600), st.binary()
)


@given(st.lists(st.one_of(st.binary(), STARTS, FRAMES)).map(b"".join))
@example(b"\xa5\x00\x00\x10")
@example(b"\xa5\x00\x02\x10")
@example(b"\xa5\x01\x02\x10")
@example(b"\xa5\x03\x00\x10" + framed(b"\0"))
def test_the_first_whole_frame_in_any_bytes_is_found(data):
    def end_of(start):
        end = start + 13 + int.from_bytes(data[start + 1 : start + 3], "little")
        begins = data[start : start + 1] == b"\xa5" and data[start + 3 : start + 4] in (b"", b"\x10")
        return end if begins and end - start <= LONGEST_FRAME else None

    ends = {start: end for start in range(len(data)) if (end := end_of(start)) is not None}
    whole = [
        (start, end)
        for start, end in ends.items()
        if end <= len(data) and data[end - 1] == 0x15 and data[end - 2] == sum(data[start + 1 : end - 2]) % 256
    ]
    used, frame = decode(data)
    if whole:
        start, end = whole[0]
        assert used == end
        assert frame is not None
        assert data[start + 11 : end - 2] == frame.payload
    else:
        assert frame is None
        assert used == next((start for start, end in ends.items() if end > len(data)), len(data))
        assert len(data) - used < LONGEST_FRAME


@given(st.lists(st.one_of(st.binary().map(lambda noise: noise.replace(b"\xa5", b"")), FRAMES)), st.data())
def test_frames_are_found_however_they_are_cut(parts, data):
    stream = b"".join(parts)
    found, kept = [], b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        kept, stream = kept + stream[:size], stream[size:]
        while (used := decode(kept))[1] is not None:
            found.append(used[1])
            kept = kept[used[0] :]
        kept = kept[used[0] :]
    assert [frame for frame in found if frame] == all_of(b"".join(parts))
    assert kept == b""


ASKED = [
    ReadCoilsRequest(address=3, count=10, dev_id=1),
    ReadDiscreteInputsRequest(address=3, count=10, dev_id=1),
    read_words(),
    ReadInputRegistersRequest(address=3, count=6, dev_id=1),
    WriteSingleCoilRequest(address=3, bits=[True], dev_id=1),
    WriteSingleRegisterRequest(address=3, registers=[7], dev_id=1),
    WriteMultipleCoilsRequest(address=3, bits=[True, False], dev_id=1),
    WriteMultipleRegistersRequest(address=3, registers=[7, 8], dev_id=1),
]
BODIES = st.builds(
    lambda function, rest: with_crc(bytes((1, function)) + rest),
    st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 0x81, 0x83, 0x90, 0x2B, 0]),
    st.one_of(st.binary(max_size=20), st.binary(max_size=255).map(lambda data: bytes((len(data),)) + data)),
)


@given(
    st.sampled_from(ASKED),
    st.lists(
        st.one_of(
            st.binary(),
            STARTS,
            FRAMES,
            st.builds(answered, st.one_of(st.binary(max_size=4), BODIES, BODIES.map(lambda rtu: rtu + b"\0\0"))),
        )
    ),
)
def test_whatever_comes_in_whatever_pieces_raises_nothing_and_is_not_kept_for_ever(request_, pieces):
    link = Link(request_)
    answers = [answer for piece in pieces if (answer := link.hear(piece)) is not None]
    assert len(answers) <= 1
    for answer in answers:
        assert answer.function_code & 0x7F == request_.function_code
        assert answer.dev_id == 1
    while link.hear(b"") is not None:
        pass
    assert len(link.kept) < LONGEST_FRAME


# --- the second CRC ----------------------------------------------------------------------------------------------


def words_of(*words):
    return with_crc(bytes((1, 3, 2 * len(words))) + b"".join(word.to_bytes(2) for word in words))


# The one word whose answer has a CRC of zeros.
SUM_OF_ZEROS = next(word for word in range(0x10000) if words_of(word).endswith(b"\0\0"))


@pytest.mark.parametrize("words", [[0], [5, 0], [0, 0, 0], [SUM_OF_ZEROS], [3605, 0xA515]])
@pytest.mark.parametrize("more", [b"", b"\0\0"], ids=["one CRC", "double CRC"])
def test_zeros_at_the_end_are_cut_off_only_where_they_are_too_many(words, more):
    link = Link(read_words(len(words)))
    assert link.words(answered(words_of(*words) + more)) == words
    assert link.stick.dropped == 0


@given(st.lists(st.sampled_from([0, 1, 0xA500, 0x1500, 0xFFFF]), min_size=1, max_size=125), st.booleans())
def test_any_words_are_the_same_with_a_second_crc(words, doubled):
    assert Link(read_words(len(words))).words(answered(words_of(*words) + bytes(2 * doubled))) == words


@pytest.mark.parametrize("more", [b"", b"\0\0"], ids=["one CRC", "double CRC"])
def test_refusals_and_acknowledgements_may_have_a_second_crc(more):
    refused = Link(read_words()).hear(answered(REFUSAL + more))
    assert isinstance(refused, ExceptionResponse)
    link = Link(WriteSingleRegisterRequest(address=0x3400, registers=[1], dev_id=1))
    taken = link.hear(answered(WRITE_ONE + more))
    assert taken is not None
    assert taken.registers == [1]


# --- answers to something else -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        answered(SIX_WORDS, serial=SERIAL + 1),
        answered(SIX_WORDS, sequence=SEQUENCE - 1),
        answered(SIX_WORDS, frame_type=1),
        answered(SIX_WORDS, frame_type=0),
        framed(bytes.fromhex(TELLING)[:13]),
        framed(b""),
        answered(b""),
        answered(b"\5"),
        answered(b"\0\0"),
        answered(b"\5\1"),
        answered(SIX_WORDS[:-1] + b"\0"),
        answered(with_crc(b"\2" + SIX_WORDS[1:-2])),
        answered(with_crc(b"\1\4" + SIX_WORDS[2:-2])),
        answered(with_crc(b"\1\x84\2")),
        answered(with_crc(b"\1\x83")),
        answered(with_crc(b"\1\x83\2\0")),
        answered(words_of(*WORDS[:5])),
        answered(words_of(*WORDS, 1)),
        answered(with_crc(b"\1\3\x0b" + SIX_WORDS[3:-2])),
        answered(with_crc(b"\1\3\x0a" + SIX_WORDS[3:-2])),
        answered(with_crc(SIX_WORDS[:-3])),
        answered(WRITE_ONE),
    ],
    ids=[
        "serial",
        "sequence",
        "of the stick itself",
        "of the cloud",
        "times cut short",
        "no payload",
        "no RTU",
        "one byte",
        "short error 0",
        "short error with a second byte",
        "CRC",
        "unit",
        "function",
        "refusal of another function",
        "refusal without a code",
        "refusal too long",
        "fewer words",
        "more words",
        "odd length",
        "length less than there is",
        "less than the length",
        "acknowledgement",
    ],
)
def test_an_answer_that_does_not_fit_the_question_is_dropped_and_counted(frame):
    link = Link(read_words())
    assert link.hear(frame) is None
    assert link.stick.dropped == 1
    assert link.stick.answered_at is None
    assert link.stick.heard
    assert link.words(ANSWER) == WORDS
    assert link.stick.dropped == 1
    assert link.stick.answered_at is not None


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (ASKED[4], "01 05 00 04 FF 00"),
        (ASKED[5], "01 06 00 04 00 07"),
        (ASKED[6], "01 0F 00 02 00 02"),
        (ASKED[7], "01 10 00 04 00 02"),
        (ASKED[7], "01 06 00 03 00 02"),
        (ASKED[7], "01 10 00 03 00"),
        (ASKED[7], "01 10 00 03 00 02 00"),
    ],
)
def test_an_acknowledgement_of_another_write_is_dropped_and_counted(request_, body):
    link = Link(request_)
    assert link.hear(answered(with_crc(bytes.fromhex(body)))) is None
    assert link.stick.dropped == 1


@pytest.mark.parametrize("size", [1, 3])
def test_bits_of_another_number_are_dropped(size):
    link = Link(ReadCoilsRequest(address=0, count=10, dev_id=1))
    assert link.hear(answered(with_crc(bytes((1, 1, size)) + bytes(size)))) is None
    answer = link.hear(answered(with_crc(bytes((1, 1, 2, 0b101, 0b10)))))
    assert answer is not None
    assert answer.bits[:10] == [True, False, True, *[False] * 6, True]


def test_other_functions_pass_if_the_library_understands_the_answer():
    request_ = ReadWriteMultipleRegistersRequest(read_count=1, write_registers=[1], dev_id=1)
    assert Link(request_).words(answered(with_crc(bytes.fromhex("01 17 02 00 07")))) == [7]
    for rtu in (with_crc(b"\1\x16\0\0\0\0"), with_crc(b"\1\x17\x09\0")):
        assert Link(request_).hear(answered(rtu)) is None
    asked = Link(MaskWriteRegisterRequest(dev_id=1))
    assert asked.hear(answered(with_crc(b"\1\x16\0"))) is None
    assert asked.stick.dropped == 1


def test_the_serial_of_another_stick_is_noticed_in_whatever_it_says():
    for frame in (answered(SIX_WORDS, serial=2718610869), framed(b"\0", kind=HEARTBEAT, serial=2718610869)):
        link = Link(read_words())
        assert link.hear(frame) is None
        assert link.stick.other_serial == 2718610869


@pytest.mark.parametrize("kind", [0x41, 0x42, 0x43, 0x45, HEARTBEAT, 0x48])
def test_what_is_no_answer_is_passed_over_and_not_counted(kind):
    link = Link(read_words())
    assert link.words(framed(bytes.fromhex(TELLING) + SIX_WORDS, kind=kind) + ANSWER) == WORDS
    assert link.stick.dropped == 0
    assert link.stick.other_serial is None


# --- what is noticed of the stick --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 8])
def test_the_short_form_of_an_error_is_a_modbus_exception(code):
    link = Link(read_words())
    answer = link.hear(answered(bytes((code, 0))))
    assert isinstance(answer, ExceptionResponse)
    assert answer.exception_code == code
    assert not link.stick.inverter_silent


def test_a_stick_that_hears_nothing_says_so_until_it_does():
    link = Link(read_words())
    assert link.hear(answered(NOTHING_HEARD)) is not None
    assert link.stick.inverter_silent
    assert link.stick.answered_at is not None
    link.framer.buildFrame(read_words())
    assert link.hear(ANSWER) is None
    assert link.stick.inverter_silent
    assert link.words(answered(SIX_WORDS, sequence=SEQUENCE + 1)) == WORDS
    assert not link.stick.inverter_silent


@pytest.mark.parametrize("size", [None, 1, 4])
def test_an_old_stick_is_known_by_the_head_of_the_request_it_sends_back(size):
    link = Link(read_words())
    echo = link.sent[:7] + b"\xde\x02"
    size = size or len(echo)
    assert [link.hear(echo[at : at + size]) for at in range(0, len(echo), size)] == [None] * -(-len(echo) // size)
    assert link.stick.echoed


def test_the_request_as_a_whole_is_an_echo_as_well():
    link = Link(read_words())
    assert link.hear(link.sent) is None
    assert link.stick.echoed


def test_an_answer_is_no_echo():
    link = Link(read_words())
    link.hear(HEARTBEAT_SEEN + ANSWER)
    assert not link.stick.echoed
    assert link.stick.heard


def test_a_serial_is_not_shown():
    assert str(SERIAL) not in repr(Stick(SERIAL, other_serial=SERIAL))
