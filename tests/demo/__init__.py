"""`make run`: the main job, shown. A small editor drives the real server over stdio on a real source tree."""
