import assert from "node:assert/strict";
import { test } from "node:test";
import { Times } from "./times.js";

const PARIS = { time_format: "language", time_zone: "server" };
const english = new Times({ language: "en", ...PARIS }, "Europe/Paris");
const french = new Times({ language: "fr", ...PARIS }, "Europe/Paris");
const NOW = Date.parse("2026-06-21T13:05:00+02:00");
const at = (text) => Date.parse(text);
const plain = (text) => text.replaceAll(/[\u00a0\u202f]/g, " ");

test("a time of today is told without its date, another one with it", () => {
  assert.equal(plain(english.absolute(at("2026-06-21T00:10:00+02:00"), NOW)), "12:10 AM");
  assert.equal(plain(english.absolute(at("2026-06-20T23:50:00+02:00"), NOW)), "Jun 20, 2026, 11:50 PM");
  assert.equal(plain(french.absolute(at("2026-06-20T23:50:00+02:00"), NOW)), "20 juin 2026, 23:50");
});

test("the clock is the one of the profile", () => {
  const clock = (time_format) => new Times({ language: "en", time_format, time_zone: "server" }, "Europe/Paris");
  assert.equal(plain(clock("24").absolute(NOW, NOW)), "13:05");
  assert.equal(plain(clock("12").absolute(NOW, NOW)), "1:05 PM");
});

test("the server's time zone counts only where the profile says so", () => {
  const zone = (time_zone) => new Times({ language: "fr", time_format: "24", time_zone }, "Pacific/Kiritimati");
  assert.equal(zone("server").absolute(at("2026-06-21T12:00:00Z"), at("2026-06-21T12:00:00Z")), "02:00");
  const local = new Intl.DateTimeFormat("fr", { timeStyle: "short" }).format(NOW);
  assert.equal(zone("local").absolute(NOW, NOW), local);
});

test("how long ago is told in the largest unit that it fills", () => {
  assert.equal(english.relative(NOW - 59_000, NOW), "now");
  assert.equal(english.relative(NOW - 60_000, NOW), "1 minute ago");
  assert.equal(french.relative(NOW - 119 * 60_000, NOW), "il y a 1 heure");
  assert.equal(french.relative(NOW - 86_400_000, NOW), "hier");
  assert.equal(english.relative(NOW + 7_200_000, NOW), "in 2 hours");
});

test("a length of time is told in its two largest units", () => {
  assert.equal(plain(english.span(0)), "0 sec");
  assert.equal(plain(english.span(59_400)), "59 sec");
  assert.equal(plain(french.span(754_000)), "12 min 34 s");
  assert.equal(plain(english.span(3_600_000)), "1 hr");
  assert.equal(plain(english.span(3_605_000)), "1 hr");
  assert.equal(plain(french.span(90_061_000)), "1 j 1 h");
  assert.equal(plain(english.span(-5)), "0 sec");
});
