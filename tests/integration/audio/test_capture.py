#!/usr/bin/env python3
"""Capture from a real sound server: PulseAudio with a null sink whose monitor is the microphone.

What is played arrives, whole; devices are listed; a server that is killed, a source that is unloaded, a
default that changes are noticed within a second and taken up again by themselves.
    test_capture.py CAPTURE_WAV MODULES_FOLDER
"""
import array
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import wave

CAPTURE, MODULES = sys.argv[1], sys.argv[2]
RATE = 16000


class Server:
    """A private PulseAudio; what it needs to be stopped and started anew lies in `folder`."""

    def __init__(self, folder):
        self.env = dict(os.environ, XDG_RUNTIME_DIR=folder, HOME=folder, SCOUT_MODULES=MODULES)
        for name in ('PULSE_SERVER', 'PULSE_SOURCE', 'PULSE_SINK', 'DISPLAY', 'DBUS_SESSION_BUS_ADDRESS',
                     'PULSE_RUNTIME_PATH', 'XDG_CONFIG_HOME'):
            self.env.pop(name, None)
        self.process = None

    def start(self, *modules, default='mic'):
        self.stop()
        arguments = ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no',
                     '-L', 'module-native-protocol-unix']
        for module in modules or MICROPHONE:
            arguments += ['-L', module]
        self.process = subprocess.Popen(arguments, env=self.env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.time() + 10
        while time.time() < deadline:
            if subprocess.run(['pactl', 'info'], env=self.env, capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError('pulseaudio does not start')
        if default:
            self.pactl('set-default-source', default)

    def pactl(self, *words):
        return subprocess.run(['pactl', *words], env=self.env, check=True, capture_output=True,
                              text=True).stdout.strip()

    def stop(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait()
        self.process = None

    def play(self, path, sink='micsink'):
        subprocess.run(['paplay', '--latency-msec=500', '-d', sink, path], env=self.env, check=True)


MICROPHONE = ('module-null-sink sink_name=micsink rate=16000 channels=1',
              'module-remap-source source_name=mic master=micsink.monitor')


class Event:
    def __init__(self, line):
        ms, position, source, self.kind, gap, count, self.text = line.split(' ', 6)
        self.ms, self.position, self.source = int(ms), int(position), int(source)
        self.gap, self.count = int(gap.split('=')[1]), int(count.split('=')[1])


class Capture:
    """A running capture_wav."""

    def __init__(self, server, out, *sources, seconds=60):
        first, rest = (sources or ('auto', 'default'))[:2], sources[2:]
        self.out = out
        self.events = []
        self.begin = time.time()
        self.process = subprocess.Popen([CAPTURE, *first, str(seconds), out, *rest], env=server.env,
                                        stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b''

    def poll(self):
        self.rest += self.process.stdout.read() or b''
        *lines, self.rest = self.rest.split(b'\n')
        for line in (line.decode() for line in lines):
            words = line.split(' ')
            if words[0] == 'error':
                raise AssertionError(line)
            if words[0] != 'latency':
                self.events.append(Event(line + ('' if len(words) > 6 else ' ')))

    def await_event(self, kind, seconds=6, after=0):
        deadline = time.time() + seconds
        while time.time() < deadline:
            self.poll()
            for event in self.events[after:]:
                if event.kind == kind:
                    return event
            time.sleep(0.01)
        raise AssertionError(f'no event {kind} within {seconds} s, only '
                             f'{[(e.kind, e.text) for e in self.events]}')

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        self.poll()
        if self.process.returncode != 0:
            raise AssertionError(f'capture ended with {self.process.returncode}')
        with wave.open(self.out) as file:
            samples = array.array('h', file.readframes(1 << 28))
            return [samples[c::file.getnchannels()] for c in range(file.getnchannels())]


def sweep(seconds, rate=RATE, shift=0):
    """A sound whose every 100 ms is another; shift in samples, which may be a fraction."""
    return array.array('h', (int(9000 * math.sin(2 * math.pi * (400 + 300 * (i + shift) / rate) * (i + shift) / rate))
                             for i in range(int(seconds * rate))))


def write_wav(path, samples, rate=RATE):
    with wave.open(path, 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def extent(samples, floor=30):
    heard = [i for i, value in enumerate(samples) if abs(value) > floor]
    return (heard[0], heard[-1]) if heard else (0, 0)


class CaptureTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='scout-capture-')
        self.server = Server(self.folder)
        self.out = os.path.join(self.folder, 'out.wav')
        self.captures = []

    def tearDown(self):
        for capture in self.captures:
            if capture.process.poll() is None:
                capture.process.kill()
            capture.process.wait()
            capture.process.stdout.close()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def capture(self, *sources):
        capture = Capture(self.server, self.out, *sources)
        self.captures.append(capture)
        return capture

    def test_what_is_played_arrives_whole(self):
        for rate in (16000, 48000, 44100):
            with self.subTest(rate=rate):
                self.server.start(f'module-null-sink sink_name=micsink rate={rate} channels=1', MICROPHONE[1])
                tone = os.path.join(self.folder, 'tone.wav')
                write_wav(tone, sweep(1.5, rate), rate)
                capture = self.capture()
                capture.await_event('started')
                time.sleep(0.3)
                self.server.play(tone)
                time.sleep(0.3)
                heard, = capture.stop()
                first, last = extent(heard)
                self.assertAlmostEqual(last - first, 1.5 * RATE, delta=60)
                # What came is what was played, sample by sample.
                played = sweep(1.5)
                offset = max(range(first - 40, first + 40), key=lambda at: self.agreement(heard, played, at))
                # Where its samples lie between those that were played, nobody knows.
                best = max(self.agreement(heard, sweep(1.5, shift=step / 8), offset) for step in range(-4, 5))
                self.assertGreater(best, 0.999)
                self.assertNotIn('overrun', [event.kind for event in capture.events])
                self.server.stop()

    @staticmethod
    def agreement(heard, played, offset):
        part = heard[max(offset, 0):max(offset, 0) + len(played)]
        pairs = list(zip(part, played))[::7]
        power = math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) or 1
        return sum(a * b for a, b in pairs) / power

    def test_devices_are_listed(self):
        self.server.start()
        out = subprocess.run([CAPTURE, '--list'], env=self.server.env, check=True, capture_output=True,
                             text=True).stdout
        rows = [line.split('\t') for line in out.splitlines()]
        self.assertEqual([row[:4] for row in rows], [
            ['pulse', 'mic', 'default', '-'],
            ['pulse', 'micsink.monitor', 'default', 'monitor'],
        ])
        self.assertTrue(all(row[4] for row in rows))

    def test_system_audio_and_microphone_are_two_channels_of_one_time(self):
        self.server.start()
        tone = os.path.join(self.folder, 'tone.wav')
        write_wav(tone, sweep(1.5))
        capture = self.capture('pulse', 'default', 'pulse', 'system')
        capture.await_event('started')
        time.sleep(1)
        self.server.play(tone)
        time.sleep(0.4)
        you, they = capture.stop()
        for heard in (you, they):
            first, last = extent(heard)
            self.assertAlmostEqual(last - first, 1.5 * RATE, delta=RATE / 50)
        self.assertLess(abs(extent(you)[0] - extent(they)[0]), RATE / 50)

    def test_no_server_is_said_and_waited_for(self):
        capture = self.capture('pulse', 'default')
        event = capture.await_event('waiting', seconds=2)
        self.assertLess(event.ms, 1000)
        self.assertIn('no sound server is running', event.text)
        self.server.start()
        self.assertEqual(capture.await_event('started').gap, 0)
        capture.stop()
        out = subprocess.run([CAPTURE, '--list', 'pulse'], env=dict(self.server.env, XDG_RUNTIME_DIR='/nowhere'),
                             capture_output=True, text=True)
        self.assertEqual(out.returncode, 1)

    def test_a_killed_server_is_noticed_and_found_again(self):
        for how in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(how=how):
                self.server.start()
                capture = self.capture()
                capture.await_event('started')
                time.sleep(0.5)
                killed = (time.time() - capture.begin) * 1000
                self.server.stop(how)
                lost = capture.await_event('lost', seconds=3)
                self.assertLess(lost.ms - killed, 1000)
                time.sleep(1)
                self.server.start()
                resumed = capture.await_event('resumed')
                self.assertGreater(resumed.gap, 900)
                self.assertLess(resumed.gap, 8000)
                time.sleep(0.3)
                capture.stop()
                self.server.stop()

    def test_a_server_that_hangs_is_noticed(self):
        self.server.start()
        capture = self.capture()
        capture.await_event('started')
        time.sleep(0.3)
        stopped = (time.time() - capture.begin) * 1000
        self.server.process.send_signal(signal.SIGSTOP)
        lost = capture.await_event('lost', seconds=3)
        self.assertLess(lost.ms - stopped, 1000)
        time.sleep(1.5)
        self.server.process.send_signal(signal.SIGCONT)
        capture.await_event('resumed')
        capture.stop()

    def test_a_device_that_goes_and_comes_back(self):
        self.server.start()
        number = self.server.pactl('load-module', 'module-remap-source', 'source_name=headset',
                                   'master=micsink.monitor', 'source_properties=device.description=Headset')
        capture = self.capture('pulse', 'headset')
        self.assertIn('Headset', capture.await_event('started').text)
        time.sleep(0.3)
        gone = (time.time() - capture.begin) * 1000
        self.server.pactl('unload-module', number)
        lost = capture.await_event('lost', seconds=3)
        self.assertLess(lost.ms - gone, 1000)
        self.assertIn('unplugged', lost.text)
        waiting = capture.await_event('waiting', seconds=2, after=capture.events.index(lost))
        self.assertIn("no device 'headset'", waiting.text)
        self.server.pactl('load-module', 'module-remap-source', 'source_name=headset', 'master=micsink.monitor')
        capture.await_event('resumed')
        capture.stop()

    def test_the_default_is_followed(self):
        self.server.start()
        self.server.pactl('load-module', 'module-remap-source', 'source_name=other', 'master=micsink.monitor',
                          'source_properties=device.description=Other')
        capture = self.capture()
        capture.await_event('started')
        time.sleep(0.3)
        self.server.pactl('set-default-source', 'other')
        self.assertIn('Other', capture.await_event('device', seconds=2).text)
        capture.stop()

    def test_without_a_microphone_the_monitor_is_not_taken_for_one(self):
        self.server.start(MICROPHONE[0], default=None)
        capture = self.capture()
        self.assertIn('no microphone', capture.await_event('waiting', seconds=2).text)
        self.server.pactl('load-module', 'module-remap-source', 'source_name=mic', 'master=micsink.monitor')
        capture.await_event('started')
        capture.stop()

    def test_a_muted_microphone_is_hinted_at(self):
        self.server.start()
        capture = self.capture()
        started = capture.await_event('started')
        muted = capture.await_event('muted', seconds=6)
        self.assertGreater(muted.ms - started.ms, 2400)
        self.assertIn('muted', muted.text)
        tone = os.path.join(self.folder, 'tone.wav')
        write_wav(tone, sweep(0.5))
        self.server.play(tone)
        capture.await_event('unmuted', seconds=2)
        capture.stop()

    def test_portaudio_hears_the_same_through_alsa(self):
        self.server.start()
        with open(os.path.join(self.folder, '.asoundrc'), 'w') as file:
            file.write('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        rows = subprocess.run([CAPTURE, '--list', 'portaudio'], env=self.server.env, check=True,
                              capture_output=True, text=True)
        self.assertEqual(rows.stderr, '')
        if 'ALSA: default' not in rows.stdout:
            self.skipTest('libasound2-plugins is needed')
        tone = os.path.join(self.folder, 'tone.wav')
        write_wav(tone, sweep(1.5))
        capture = self.capture('portaudio', 'default')
        self.assertIn('ALSA: default', capture.await_event('started').text)
        time.sleep(0.5)
        self.server.play(tone)
        time.sleep(0.5)
        first, last = extent(capture.stop()[0])
        self.assertAlmostEqual(last - first, 1.5 * RATE, delta=60)
        missing = self.capture('portaudio', 'ALSA: nothing of this name')
        self.assertIn('no device', missing.await_event('waiting', seconds=3).text)

    def test_portaudio_without_a_microphone(self):
        rows = subprocess.run([CAPTURE, '--list', 'portaudio'], env=self.server.env, check=True,
                              capture_output=True, text=True)
        if rows.stdout:
            self.skipTest('this machine has a sound card')
        capture = self.capture('portaudio', 'default')
        self.assertIn('no microphone', capture.await_event('waiting', seconds=3).text)

    def test_portaudio_notices_a_server_that_ends(self):
        self.server.start()
        with open(os.path.join(self.folder, '.asoundrc'), 'w') as file:
            file.write('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        capture = self.capture('portaudio', 'default')
        try:
            capture.await_event('started')
        except AssertionError:
            self.skipTest('libasound2-plugins is needed')
        time.sleep(0.3)
        killed = (time.time() - capture.begin) * 1000
        self.server.stop()
        self.assertLess(capture.await_event('lost', seconds=4).ms - killed, 1500)
        self.server.start()
        capture.await_event('resumed', seconds=10)
        capture.stop()

    def test_a_missing_module_is_said(self):
        out = subprocess.run([CAPTURE, '--list'], env=dict(self.server.env, SCOUT_MODULES=self.folder),
                             capture_output=True, text=True)
        self.assertEqual(out.returncode, 1)
        self.assertIn('scout-capture-pulse.so is missing', out.stdout)


if __name__ == '__main__':
    if not all(shutil.which(program) for program in ('pulseaudio', 'pactl', 'paplay')):
        print('pulseaudio and pulseaudio-utils are needed: skipped')
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
