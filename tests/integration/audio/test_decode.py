"""scout-decode on real files: every format FFmpeg can make here, whole, cut, damaged and lying.

    test_decode.py SCOUT_DECODE DECODE_DUMP [unittest arguments]

The speech comes from Debian's pocketsphinx-testdata; ffmpeg makes the files. Without them the test
is skipped (exit code 77).
"""
import array
import glob
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import json

SPEECH = '/usr/share/pocketsphinx/test/data/librivox/*.wav'
RATE = 16000

INVALID_ARGUMENT, FORMAT, CORRUPT, UNSUPPORTED, LIMIT, TIMEOUT, CHILD = -1, -7, -8, -9, -10, -12, -13


class Decoded:
    """What came of one file: the JSON of decode_dump, and the samples."""

    def __init__(self, said, samples):
        self.said = said
        self.samples = samples
        self.error = said.get('error', '')
        self.status = said.get('status', 0)
        self.problems = said.get('problems', [])
        self.seconds = len(samples) / RATE


def path(name):
    return os.path.join(FOLDER, name)


def ffmpeg(name, *arguments):
    """Makes a file; quiet unless it fails."""
    subprocess.run(['ffmpeg', '-y', '-v', 'error', '-nostdin', *arguments, path(name)], check=True)
    return path(name)


def write(name, data):
    with open(path(name), 'wb') as file:
        file.write(data)
    return path(name)


def read(name):
    with open(path(name), 'rb') as file:
        return file.read()


def decode(file, *options, stdin=None, program=None, environment=None):
    out = path('samples.f32')
    done = subprocess.run([program or DUMP, file, out, *options], stdin=stdin, text=True,
                          capture_output=True, check=True, timeout=120,
                          env=environment or {'SCOUT_DECODE': PROGRAM})
    samples = array.array('f')
    with open(out, 'rb') as raw:
        samples.frombytes(raw.read())
    return Decoded(json.loads(done.stdout), samples)


def decode_pipe(data, *options):
    with subprocess.Popen([sys.executable, '-c', 'import sys, shutil\n'
                           'try: shutil.copyfileobj(open(sys.argv[1], "rb"), sys.stdout.buffer)\n'
                           'except BrokenPipeError: pass', data],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source:
        return decode('-', *options, stdin=source.stdout)


def reference(file, channels=1):
    """The same file by the ffmpeg program: mean of the channels, resampled by soxr."""
    mean = '+'.join(f'{1 / channels:.9f}*c{i}' for i in range(channels))
    raw = subprocess.run(
        ['ffmpeg', '-v', 'error', '-nostdin', '-i', file, '-map', '0:a:0', '-af',
         f'aformat=sample_fmts=flt,pan=1c|c0={mean},aresample={RATE}:resampler=soxr',
         '-f', 'f32le', '-'], capture_output=True, check=True).stdout
    samples = array.array('f')
    samples.frombytes(raw)
    return samples


def largest_difference(a, b):
    return max((abs(x - min(1, max(-1, y))) for x, y in zip(a, b)), default=0)


# name: (source, how to make it). Those of LOSSLESS give back the very samples.
LOSSLESS = {
    'u8.wav': ('speech.wav', ['-c:a', 'pcm_u8']),
    's16.wav': ('stereo.wav', ['-c:a', 'pcm_s16le']),
    's24.wav': ('stereo.wav', ['-c:a', 'pcm_s24le']),
    's32.wav': ('stereo.wav', ['-c:a', 'pcm_s32le']),
    'f32.wav': ('stereo.wav', ['-c:a', 'pcm_f32le']),
    'f64.wav': ('stereo.wav', ['-c:a', 'pcm_f64le']),
    'alaw.wav': ('phone.wav', ['-c:a', 'pcm_alaw']),
    'ulaw.wav': ('phone.wav', ['-c:a', 'pcm_mulaw']),
    'rf64.wav': ('stereo.wav', ['-rf64', 'always']),
    'x.w64': ('stereo.wav', []),
    'x.aiff': ('stereo.wav', []),
    'x.au': ('stereo.wav', []),
    'x.caf': ('stereo.wav', []),
    'alac.caf': ('stereo.wav', ['-c:a', 'alac']),
    'x.flac': ('stereo.wav', []),
    'x24.flac': ('stereo.wav', ['-sample_fmt', 's32']),
    'x.oga': ('stereo.wav', ['-c:a', 'flac']),
    'flac.mka': ('stereo.wav', ['-c:a', 'flac']),
    'alac.m4a': ('stereo.wav', ['-c:a', 'alac']),
    'x.wv': ('stereo.wav', []),
    'x.tta': ('stereo.wav', []),
    'x.voc': ('stereo.wav', []),
    'x.sox': ('stereo.wav', []),
    'x.sln': ('phone.wav', ['-f', 's16le']),
    'eight.wav': ('speech.wav', ['-af', 'pan=7.1|' + '|'.join(f'c{i}=c0' for i in range(8))]),
    'fast.wav': ('speech.wav', ['-ar', '192000']),
}
LOSSY = {
    'g726.wav': ('phone.wav', ['-c:a', 'g726', '-b:a', '32k']),
    'adpcm.wav': ('stereo.wav', ['-c:a', 'adpcm_ima_wav']),
    'ms.wav': ('stereo.wav', ['-c:a', 'adpcm_ms']),
    'gsm.wav': ('phone.wav', ['-c:a', 'libgsm_ms']),
    'x.gsm': ('phone.wav', ['-c:a', 'libgsm']),
    'x.g722': ('speech.wav', ['-c:a', 'g722']),
    'cbr.mp3': ('stereo.wav', ['-b:a', '64k']),
    'vbr.mp3': ('stereo.wav', ['-q:a', '5']),
    'x.mp2': ('studio.wav', []),
    'x.ogg': ('stereo.wav', ['-c:a', 'libvorbis']),
    'x.opus': ('studio.wav', []),
    'x.spx': ('speech.wav', ['-c:a', 'libspeex']),
    'x.webm': ('studio.wav', ['-c:a', 'libopus']),
    'x.mka': ('stereo.wav', ['-c:a', 'aac']),
    'x.wma': ('stereo.wav', []),
    'x.aac': ('stereo.wav', []),
    'x.ac3': ('studio.wav', []),
    'x.ts': ('studio.wav', ['-c:a', 'aac']),
    'x.mpg': ('studio.wav', ['-c:a', 'mp2']),
    'x.flv': ('stereo.wav', []),
    'x.rm': ('studio.wav', ['-c:a', 'ac3']),
    'x.avi': ('studio.wav', ['-c:a', 'mp3']),
    'x.nut': ('stereo.wav', ['-c:a', 'libvorbis']),
}
# MP4 says to the sample where the sound ends, and ffmpeg does not heed it.
TRIMMED = {
    'x.m4a': ('stereo.wav', []),
    'faststart.m4a': ('stereo.wav', ['-movflags', '+faststart']),
    'x.3gp': ('phone.wav', ['-c:a', 'aac']),
}
# Without a signature, only the extension of the name tells what it is.
NAMELESS = {'x.sln', 'x.g722', 'x.gsm'}


def make(name):
    source, arguments = {**LOSSLESS, **LOSSY, **TRIMMED}[name]
    if not os.path.exists(path(name)):
        ffmpeg(name, '-i', path(source), *arguments)
    return path(name)


class Whole(unittest.TestCase):
    def check(self, name):
        got = decode(make(name))
        self.assertEqual(got.error, '')
        self.assertEqual(got.problems, [])
        expected = reference(path(name), got.said['channels'])
        self.assertLess(largest_difference(got.samples, expected), 2e-3)
        return got, expected

    def test_lossless_is_exact(self):
        for name in LOSSLESS:
            with self.subTest(name):
                got, expected = self.check(name)
                self.assertEqual(len(got.samples), len(expected))
                self.assertEqual(len(got.samples), LENGTH)
                self.assertLess(largest_difference(got.samples, expected), 1e-5)

    def test_lossy_is_what_ffmpeg_decodes(self):
        for name in LOSSY:
            with self.subTest(name):
                got, expected = self.check(name)
                self.assertLessEqual(abs(len(got.samples) - len(expected)), RATE // 1000)
                self.assertLess(abs(got.seconds - SECONDS), 0.15)

    def test_mp4_ends_to_the_sample(self):
        for name in TRIMMED:
            with self.subTest(name):
                got, _ = self.check(name)
                self.assertLessEqual(abs(len(got.samples) - LENGTH), 1)

    def test_pipes_give_the_same(self):
        for name in {**LOSSLESS, **LOSSY, **TRIMMED}:
            with self.subTest(name):
                whole = decode(make(name))
                piped = decode_pipe(path(name))
                if name in NAMELESS and piped.error:
                    self.assertEqual(piped.status, FORMAT)
                    continue
                self.assertEqual(piped.error, '')
                # MP3 is trimmed at its end only where that end is known beforehand.
                same = len(whole.samples) - (2000 if name.endswith('.mp3') else 0)
                self.assertEqual(piped.samples[:same], whole.samples[:same])
                self.assertLess(abs(len(piped.samples) - len(whole.samples)), 300)

    def test_one_sample_and_none(self):
        one = ffmpeg('one.wav', '-i', path('speech.wav'), '-af', 'atrim=end_sample=1')
        self.assertEqual(len(decode(one).samples), 1)
        none = decode(write('none.wav', read('speech.wav')[:40] + bytes(4)))
        self.assertEqual((len(none.samples), none.error), (0, ''))

    def test_what_it_says_about_the_file(self):
        said = decode(make('x.flac')).said
        self.assertEqual((said['rate'], said['channels'], said['container'], said['codec']),
                         (44100, 2, 'flac', 'flac'))
        self.assertAlmostEqual(said['duration_s'], SECONDS, places=3)


class Films(unittest.TestCase):
    def film(self, name, *arguments, delay='0'):
        return ffmpeg(name, '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=25:d=9', '-itsoffset', delay,
                      '-i', path('studio.wav'), *arguments)

    def test_sound_of_films(self):
        for name, arguments in {
                'film.mp4': ['-c:v', 'mpeg4', '-c:a', 'aac'],
                'film.mkv': ['-c:v', 'mpeg4', '-c:a', 'flac'],
                'film.webm': ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'],
                'film.avi': ['-c:v', 'mpeg4', '-c:a', 'mp3'],
                'film.ts': ['-c:v', 'mpeg2video', '-c:a', 'aac'],
                'film.mpg': ['-c:v', 'mpeg1video', '-c:a', 'mp2'],
                'film.flv': ['-c:v', 'flv', '-c:a', 'mp3', '-ar', '44100']}.items():
            with self.subTest(name):
                got = decode(self.film(name, *arguments))
                self.assertEqual((got.error, got.problems), ('', []))
                self.assertLess(abs(got.seconds - SECONDS), 0.15)

    def test_sound_that_sets_in_later(self):
        got = decode(self.film('late.mkv', '-c:v', 'mpeg4', '-c:a', 'flac', delay='1.5'))
        early = decode(path('studio.wav')).samples
        self.assertEqual(got.problems, [])
        self.assertLess(max(map(abs, got.samples[:RATE * 3 // 2 - 100])), 1e-6)
        self.assertLess(largest_difference(got.samples[24200:60000], early[200:36000]), 1e-2)
        self.assertEqual(len(got.samples), len(early) + RATE * 3 // 2)

    def test_film_without_sound(self):
        got = decode(self.film('mute.mp4', '-an', '-c:v', 'mpeg4'))
        self.assertEqual(got.status, FORMAT)
        self.assertIn('no audio track', got.error)

    def test_covers_are_no_films(self):
        cover = ffmpeg('cover.png', '-f', 'lavfi', '-i', 'testsrc=s=64x64:d=0.04', '-frames:v', '1')
        for name in ('cover.mp3', 'cover.flac', 'cover.m4a'):
            with self.subTest(name):
                got = decode(ffmpeg(name, '-i', path('stereo.wav'), '-i', cover, '-map', '0',
                                    '-map', '1', '-c:v', 'copy', '-disposition:v', 'attached_pic'))
                self.assertEqual((got.error, got.problems), ('', []))
                self.assertLessEqual(abs(len(got.samples) - LENGTH), 1)

    def test_default_track_is_chosen(self):
        file = ffmpeg('tracks.mka', '-f', 'lavfi', '-i', 'sine=d=3', '-i', path('studio.wav'),
                      '-map', '0', '-map', '1', '-c:a', 'flac', '-disposition:a:0', '0',
                      '-disposition:a:1', 'default')
        self.assertAlmostEqual(decode(file).seconds, SECONDS, places=2)


class Times(unittest.TestCase):
    def test_parts_are_cut_out_of_the_whole(self):
        for name in ('s16.wav', 'x.flac', 'alac.m4a', 'adpcm.wav', 'cbr.mp3', 'x.ogg', 'x.opus',
                     'x.tta', 'x.sln', 'x.aiff'):
            whole = decode(make(name)).samples
            for start, end in ((0, 1.5), (0.5, 2), (3.2, 0), (7.5, 8), (8.3456, 8.5), (100, 0)):
                with self.subTest(name, start=start, end=end):
                    got = decode(path(name), f'start={start}', f'end={end}')
                    first = round(start * RATE)
                    last = first + round((end - start) * RATE) if end else len(whole)
                    self.assertEqual((got.error, got.problems), ('', []))
                    self.assertEqual(len(got.samples), len(whole[first:last]))
                    self.assertLess(largest_difference(got.samples, whole[first:last]), 1e-4)

    def test_parts_of_films_keep_their_second(self):
        for name in ('x.mka', 'x.webm', 'x.ts', 'x.wma', 'x.flv'):
            whole = decode(make(name)).samples
            got = decode(path(name), 'start=7.25', 'end=8.25').samples
            with self.subTest(name):
                self.assertEqual(len(got), RATE)
                # Timestamps of a millisecond: the best fit is less than one away.
                first = int(7.25 * RATE)
                best = min(range(-20, 21), key=lambda shift: sum(
                    abs(a - b) for a, b in zip(got, whole[first + shift:first + shift + RATE])))
                self.assertLess(abs(best), RATE // 1000)

    def test_channel(self):
        left = decode(path('stereo.wav'), 'channel=1').samples
        right = decode(path('stereo.wav'), 'channel=2').samples
        self.assertLess(largest_difference(right, [x / 2 for x in left]), 1e-3)
        got = decode(path('stereo.wav'), 'channel=3')
        self.assertEqual(got.status, INVALID_ARGUMENT)
        self.assertIn('has 2 channels', got.error)

    def test_gap_in_the_timestamps_becomes_silence(self):
        file = ffmpeg('gap.mka', '-i', path('studio.wav'), '-af',
                      "aselect='not(between(t,3,5))'", '-c:a', 'flac')
        got = decode(file)
        whole = decode(path('studio.wav')).samples
        self.assertEqual(got.problems, [])
        self.assertLess(max(map(abs, got.samples[int(3.1 * RATE):int(4.9 * RATE)])), 1e-6)
        self.assertLess(largest_difference(got.samples[:46000], whole[:46000]), 1e-4)
        first, last = int(5.1 * RATE), int(8.1 * RATE)
        best = min(range(-20, 21), key=lambda shift: sum(
            abs(a - b) for a, b in zip(got.samples[first:last],
                                       whole[first + shift:last + shift])))
        self.assertLessEqual(abs(best), RATE // 1000)

    def test_pauses_of_telephones(self):
        dice = random.Random(5)
        speech = b''.join(b'\x3c' + dice.randbytes(31) for _ in range(100))  # 12.2 kbit/s, 20 ms each
        got = decode(write('x.amr', b'#!AMR\n' + speech + b'\x7c' * 50 + speech))
        self.assertEqual((got.error, got.problems, len(got.samples)), ('', [], 5 * RATE))
        pause = got.samples[int(2.1 * RATE):int(2.9 * RATE)]
        self.assertEqual(set(pause), {0.0})

    def test_headerless_telephony_is_8_khz(self):
        for name in ('x.al', 'x.ul'):
            file = ffmpeg(name, '-i', path('phone.wav'), '-f', 'alaw' if name == 'x.al' else 'mulaw')
            self.assertEqual(len(decode(file).samples), LENGTH)

    def test_joined_recordings_follow_each_other(self):
        for name in ('x.ogg', 'x.opus', 'x.flac', 'cbr.mp3', 'x.aac', 'x.ts'):
            one = len(decode(make(name)).samples)
            with self.subTest(name):
                got = decode(write('joined-' + name, read(name) * 2))
                self.assertEqual((got.error, got.problems), ('', []))
                self.assertLess(abs(len(got.samples) - 2 * one), RATE // 10)
                part = decode(path('joined-' + name), f'start={SECONDS + 3}')
                self.assertEqual((part.error, part.problems), ('', []))
                self.assertLess(abs(part.seconds - (got.seconds - SECONDS - 3)), 0.5)
                self.assertGreater(max(map(abs, part.samples)), 0.1)

    def test_rate_changes_on_the_way(self):
        slow = ffmpeg('slow.mp3', '-i', path('speech.wav'), '-ar', '22050', '-b:a', '64k',
                      '-write_xing', '0', '-id3v2_version', '0')
        fast = ffmpeg('fast.mp3', '-i', path('speech.wav'), '-ar', '44100', '-ac', '2', '-b:a',
                      '96k', '-write_xing', '0', '-id3v2_version', '0')
        got = decode(write('both.mp3', read(slow) + read(fast)))
        self.assertEqual((got.error, got.problems), ('', []))
        self.assertLess(abs(got.seconds - 2 * SECONDS), 0.3)


class Damage(unittest.TestCase):
    def cut(self, name):
        data = read(os.path.basename(make(name)))
        return decode(write('cut-' + name, data[:len(data) // 2]))

    def test_cut_files_say_where_they_end(self):
        for name in ('s16.wav', 's24.wav', 'fast.wav', 'rf64.wav', 'x.aiff', 'x.flac', 'x.oga',
                     'x.ogg', 'x.opus', 'cbr.mp3', 'vbr.mp3', 'faststart.m4a', 'x.webm',
                     'flac.mka', 'x.wv', 'x.tta', 'gsm.wav', 'x.flv'):
            with self.subTest(name):
                got = self.cut(name)
                self.assertEqual(got.error, '')
                self.assertEqual(len(got.problems), 1)
                problem = got.problems[0]
                self.assertTrue(problem['to_end'])
                self.assertAlmostEqual(problem['at_s'], got.seconds, places=2)
                self.assertLess(abs(got.seconds - SECONDS / 2), 1.3)

    def test_mp4_without_its_index(self):
        got = self.cut('x.m4a')
        self.assertEqual(got.status, CORRUPT)
        self.assertIn('moov', got.error)

    def test_damage_in_the_middle_is_skipped_and_told(self):
        for name in ('x.flac', 'flac.mka', 'alac.m4a', 'x.wv', 'x.tta', 'x.m4a', 'cbr.mp3',
                     'x.aac', 'x.ac3', 'x.oga'):
            data = bytearray(read(os.path.basename(make(name))))
            middle = len(data) // 2
            data[middle:middle + 1500] = random.Random(1).randbytes(1500)
            with self.subTest(name):
                whole = decode(path(name))
                got = decode(write('bad-' + name, data))
                self.assertEqual(got.error, '')
                self.assertGreaterEqual(got.said['total'], 1)
                self.assertFalse(got.problems[0]['to_end'])
                self.assertLess(abs(got.problems[0]['at_s'] - SECONDS / 2), 1.5)
                # ADTS frames carry neither number nor time: what is lost until FFmpeg finds the
                # next one depends on what the damage looks like to it.
                self.assertLess(abs(got.seconds - whole.seconds), 1.0 if name == 'x.aac' else 0.4)
        # Where frames carry their number, what follows is in its place to the sample.
        whole = decode(path('x.flac')).samples
        got = decode(path('bad-x.flac')).samples
        self.assertEqual(len(got), len(whole))
        self.assertLess(largest_difference(got[-RATE:], whole[-RATE:]), 1e-5)

    def test_headers_that_lie(self):
        data = bytearray(read('speech.wav'))
        self.assertEqual(data[36:40], b'data')
        for size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 1000):
            data[40:44] = struct.pack('<I', size)
            with self.subTest(size):
                got = decode(write('lie.wav', data))
                self.assertEqual((len(got.samples), got.problems), (LENGTH, []))

    def test_what_was_appended_does_no_harm(self):
        for name in ('x.flac', 'cbr.mp3', 'x.aac', 'x.ogg', 's16.wav'):
            make(name)
            with self.subTest(name):
                got = decode(write('tail-' + name, read(name) + b'TAG' + bytes(125)))
                self.assertEqual((got.error, got.problems), ('', []))
                self.assertLess(abs(got.seconds - SECONDS), 0.1)

    def test_damage_never_fells_the_decoder(self):
        dice = random.Random(7)
        for name in ('x.m4a', 'x.ogg', 'x.opus', 'cbr.mp3', 'x.flac', 'x.webm', 'x.wma', 'x.aac',
                     'ms.wav', 'x.ts', 'x.avi', 'x.wv'):
            for _ in range(3):
                data = bytearray(read(os.path.basename(make(name))))
                for _ in range(dice.randrange(1, 60)):
                    at = dice.randrange(len(data) if dice.random() < 0.5 else 400)
                    data[at] = dice.randrange(256)
                with self.subTest(name):
                    got = decode(write('fuzz-' + name, data), 'stall-ms=20000')
                    self.assertNotIn(got.status, (CHILD, TIMEOUT), got.error)


class Refused(unittest.TestCase):
    def check(self, name, data, status, *says):
        got = decode(write(name, data))
        self.assertEqual((got.status, len(got.samples)), (status, 0), got.error)
        for part in (path(name), *says):
            self.assertIn(part, got.error)

    def test_what_is_no_sound(self):
        text = b'Dear diary, today nothing was recorded.\n' * 300
        self.check('text.wav', text, FORMAT, 'holds no audio that FFmpeg can read')
        self.check('text.mp3', text, FORMAT, 'holds no audio that FFmpeg can read')
        self.check('text.txt', text, FORMAT, 'holds no audio that FFmpeg can read')
        self.check('empty.wav', b'', FORMAT, 'is empty')
        self.check('tiny.wav', b'R', FORMAT, 'holds no audio')
        self.check('zeros.mp3', bytes(100000), FORMAT, 'holds no audio')
        self.check('picture.png', b'\x89PNG\r\n\x1a\n' + bytes(999), FORMAT, 'holds no audio')
        self.check('page.pdf', b'%PDF-1.4\n1 0 obj\n' * 99, FORMAT, 'holds no audio')
        for seed in range(4):
            self.check('noise.mp3', random.Random(seed).randbytes(200000), FORMAT)

    def test_a_header_and_nothing_more(self):
        make('x.flac')
        self.check('head.flac', read('x.flac')[:30], CORRUPT, 'cut short')

    def test_encrypted_files(self):
        ffmpeg('drm.mp4', '-i', path('stereo.wav'), '-c:a', 'aac', '-encryption_scheme',
               'cenc-aes-ctr', '-encryption_key', '0123456789abcdef' * 2, '-encryption_kid',
               'fedcba9876543210' * 2)
        self.check('drm.mp4', read('drm.mp4'), UNSUPPORTED, 'is encrypted')

    def test_impossible_rate(self):
        data = bytearray(read('speech.wav'))
        data[24:28] = struct.pack('<I', 0x7F000000)
        self.check('rate.wav', data, UNSUPPORTED, 'samples a second')

    def test_playlists(self):
        target = path('speech.wav').encode()
        for name, data in {
                'list.m3u': target + b'\n',
                'list.m3u8': b'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n' + target + b'\n',
                'hidden.wav': b'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://' + target,
                'concat.txt': b"ffconcat version 1.0\nfile '" + target + b"'\n",
                'list.pls': b'[playlist]\nFile1=' + target + b'\n',
                'list.cue': b'FILE "speech.wav" WAVE\n  TRACK 01 AUDIO\n',
                'list.mpd': b'<?xml version="1.0"?>\n<MPD></MPD>',
                'list.sdp': b'v=0\nm=audio 5004 RTP/AVP 0\n'}.items():
            with self.subTest(name):
                self.check(name, data, FORMAT, 'is a playlist', 'never opened')

    def test_empty_pipe(self):
        got = decode('-', stdin=subprocess.DEVNULL)
        self.assertEqual(got.status, FORMAT)
        self.assertIn('standard input is empty', got.error)


class Limits(unittest.TestCase):
    def test_seconds(self):
        got = decode(make('x.flac'), 'max-seconds=3.5')
        self.assertEqual((got.status, len(got.samples)), (LIMIT, 56000))
        self.assertIn('limit', got.error)
        got = decode(make('x.flac'), 'max-seconds=3.5', 'end=3')
        self.assertEqual((got.error, len(got.samples)), ('', 48000))
        got = decode(path('speech.wav'), f'max-seconds={SECONDS}')
        self.assertEqual((got.error, len(got.samples)), ('', LENGTH))

    def test_bytes(self):
        size = os.path.getsize(make('x.flac'))
        got = decode(path('x.flac'), f'max-bytes={size // 2}')
        self.assertEqual(got.status, LIMIT)
        self.assertLess(abs(got.seconds - SECONDS / 2), 1)
        self.assertEqual(decode(path('x.flac'), f'max-bytes={4 * size}').error, '')
        self.assertEqual(decode(path('x.flac'), 'max-bytes=10').status, LIMIT)

    def test_hours_of_silence(self):
        file = ffmpeg('hours.flac', '-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono:d=7300',
                      '-frame_size', '16384')
        got = decode(file, 'start=7200.5', 'end=7201')
        self.assertEqual((len(got.samples), set(got.samples)), (8000, {0.0}))
        got = decode(file, 'max-seconds=3600')
        self.assertEqual((got.status, len(got.samples)), (LIMIT, 3600 * RATE))


def chunk(name, data):
    return name + struct.pack('<I', len(data)) + data + b'\0' * (len(data) % 2)


def wav(name, samples, fmt, *after, before=()):
    """A WAV of these chunks; fmt is the channels, rate, bits and tag."""
    channels, rate, bits, tag = fmt
    block = channels * bits // 8
    header = struct.pack('<HHIIHH', tag, channels, rate, rate * block, block, bits)
    body = b'WAVE' + b''.join([chunk(b'fmt ', header), *before, chunk(b'data', samples), *after])
    return write(name, b'RIFF' + struct.pack('<I', len(body)) + body)


def without_length(file, name):
    """The same WAV as a recorder leaves it that was killed. FFmpeg has to read that one."""
    data = bytearray(read(file))
    at = data.index(b'data')
    data[at + 4:at + 8] = b'\xff' * 4
    return write(name, data)


class Plain(unittest.TestCase):
    """Plain WAV goes around FFmpeg, and nobody can tell."""

    @classmethod
    def setUpClass(cls):
        os.makedirs(path('alone'), exist_ok=True)
        shutil.copy(PROGRAM, path('alone'))
        cls.alone = {'SCOUT_DECODE': path('alone/scout-decode')}  # without the module

    def assert_same(self, file, *options):
        other = without_length(file, 'other.wav')
        plain, by_ffmpeg = decode(file, *options, environment=self.alone), decode(other, *options)
        self.assertEqual((plain.error, by_ffmpeg.error, plain.problems), ('', '', []))
        self.assertEqual(plain.samples, by_ffmpeg.samples)
        for key in ('rate', 'channels', 'container', 'codec'):
            self.assertEqual(plain.said[key], by_ffmpeg.said[key])
        return plain

    def test_every_encoding(self):
        for codec in ('pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le'):
            with self.subTest(codec=codec):
                file = ffmpeg('x.wav', '-i', path('stereo.wav'), '-c:a', codec)
                got = self.assert_same(file)
                self.assertEqual((got.said['codec'], len(got.samples)), (codec, LENGTH))
                self.assertAlmostEqual(got.said['duration_s'], SECONDS, 3)
                self.assert_same(file, 'channel=2', 'start=2.3456', 'end=7.1')
                self.assert_same(file, 'start=7.25')

    def test_many_channels(self):
        file = ffmpeg('x.wav', '-i', path('stereo.wav'), '-filter_complex',
                      'pan=5.1|c0=c0|c1=c1|c2=c0|c3=c1|c4=c0|c5=c1', '-c:a', 'pcm_s24le')
        self.assertEqual(self.assert_same(file).said['channels'], 6)
        self.assert_same(file, 'channel=6')

    def test_from_a_pipe(self):
        for rate in ('16000', '11025'):
            file = ffmpeg('x.wav', '-i', path('speech.wav'), '-ar', rate)
            got = decode_pipe(file, 'start=7.25', 'end=8')
            self.assertEqual(got.samples, self.assert_same(file, 'start=7.25', 'end=8').samples)

    def test_what_is_not_quite_plain_is_left_to_ffmpeg(self):
        samples = bytes(range(1, 251)) * 400
        file = wav('x.wav', samples, (1, 16000, 16, 1))
        self.assertEqual(decode(file, environment=self.alone).error, '')
        burst = b'\x72\xf8\x1f\x4e' + samples
        for name, data, fmt in (('tag', samples, (1, 16000, 16, 7)),
                                ('bits', samples, (1, 16000, 12, 1)),
                                ('burst', burst, (2, 48000, 16, 1)),
                                ('dts', b'\0' * 400 + b'\xfe\x7f\x01\x80' + samples, (2, 48000, 16, 1)),
                                ('rate', samples, (1, 999, 16, 1)),
                                ('none', b'', (1, 16000, 16, 1))):
            with self.subTest(name=name):
                got = decode(wav('x.wav', data, fmt), environment=self.alone)
                self.assertEqual(got.status, CHILD)
                self.assertIn('scout-decode cannot load FFmpeg', got.error)
        got = decode(make('x.flac'), environment=self.alone)
        self.assertEqual(got.status, CHILD)
        self.assertIn('scout-decode cannot load FFmpeg', got.error)

    def test_chunks_around_the_samples(self):
        samples = bytes(range(1, 251)) * 400
        note = chunk(b'LIST', b'INFOISFT\5\0\0\0Lavf\0')
        fmt = (1, 16000, 8, 1)
        alone = decode(wav('x.wav', samples, fmt)).samples
        got = decode(wav('y.wav', samples, fmt, note, chunk(b'id3 ', b'x' * 333), before=[note]))
        self.assertEqual((got.error, got.problems, got.samples), ('', [], alone))
        odd = wav('z.wav', samples[:-1], fmt, note, chunk(b'data', samples), note)
        self.assertEqual(decode(odd).samples, alone[:-1] + alone)
        self.assertEqual(decode_pipe(odd).samples, alone[:-1] + alone)

    def test_cut_short(self):
        whole = decode(path('stereo.wav'))
        size = os.path.getsize(path('stereo.wav'))
        for cut in (size // 2, size // 2 + 1, size // 2 + 3):
            file = write('cut.wav', read(path('stereo.wav'))[:cut])
            for got in (decode(file), decode_pipe(file)):
                self.assertLess(abs(got.seconds - SECONDS / 2), 0.01)
                self.assertEqual([p['to_end'] for p in got.problems], [True])
                self.assertIn('promises 9.0 s', got.problems[0]['message'])
                self.assertEqual(got.samples[:60000], whole.samples[:60000])
        got = decode(file, 'start=8')
        self.assertEqual((len(got.samples), got.problems[0]['at_s']), (0, 8))
        self.assertEqual(decode(file, 'start=1', 'end=2').problems, [])

    def test_limits(self):
        got = decode(path('speech.wav'), 'max-seconds=5')
        self.assertEqual((got.status, len(got.samples)), (LIMIT, 5 * RATE))
        got = decode(path('speech.wav'), 'max-bytes=100000')
        self.assertEqual((got.status, len(got.samples)), (LIMIT, (100000 - 44) // 2))
        self.assertEqual(decode(path('stereo.wav'), 'channel=3').status, INVALID_ARGUMENT)


class Program(unittest.TestCase):
    def test_it_is_found_beside_the_program(self):
        shutil.copy(DUMP, path('decode_dump'))
        shutil.copy(PROGRAM, path('scout-decode'))
        got = decode(path('speech.wav'), program=path('decode_dump'), environment={'PATH': ''})
        self.assertEqual((got.error, len(got.samples)), ('', LENGTH))

    def test_by_hand_it_explains_itself(self):
        done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('started by scout', done.stderr)
        done = subprocess.run([PROGRAM, '--start=x'], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, b''))

    def test_it_says_what_cages_it(self):
        with open('/dev/null', 'rb') as nothing:
            said = subprocess.run([PROGRAM, '--probe'], stdin=nothing, capture_output=True,
                                  check=True).stdout
        self.assertEqual(said[:4], b'SCDH')
        self.assertIn(b'libavcodec', said)


def prepare():
    files = sorted(glob.glob(SPEECH))[:3]
    if not files or not shutil.which('ffmpeg'):
        print('needs ffmpeg and pocketsphinx-testdata')
        sys.exit(77)
    inputs = [word for file in files for word in ('-i', file)]
    joined = ''.join(f'[{i}]' for i in range(len(files))) + f'concat=n={len(files)}:v=0:a=1,'
    # A length that is whole at every rate used here.
    ffmpeg('speech.wav', *inputs, '-filter_complex',
           joined + 'atrim=end_sample=144000,volume=0.8', '-bitexact', '-c:a', 'pcm_s16le')
    soxr = 'resampler=soxr'
    ffmpeg('studio.wav', '-i', path('speech.wav'), '-af', f'aresample=48000:{soxr}')
    ffmpeg('phone.wav', '-i', path('speech.wav'), '-af', f'aresample=8000:{soxr}')
    ffmpeg('stereo.wav', '-i', path('speech.wav'), '-af',
           f'aresample=44100:{soxr},pan=stereo|c0=c0|c1=0.5*c0')


if __name__ == '__main__':
    PROGRAM, DUMP = map(os.path.abspath, sys.argv[1:3])
    LENGTH = 144000
    SECONDS = LENGTH / RATE
    with tempfile.TemporaryDirectory(prefix='scout-decode-') as FOLDER:
        prepare()
        unittest.main(argv=['test_decode.py', *sys.argv[3:]])
