"""A program of its own that confines itself and then becomes the command: namespaces, Landlock, seccomp, limits.

Run as `python -I -S -c "…; from launching.supervising import main; main()"` with a marshalled specification on its
standard input, which `processes.landlock` writes. It imports nothing else of Copydesk and as little as it can: it runs
before every command. It knows no policy: each path, right and filter comes with the specification. Any failure ends it
with code 125 and a sentence on stderr before the command is started; one byte on stdout says that it is confined.
Start with `supervising`.
"""
