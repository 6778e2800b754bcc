;;; copydesk-connection.el --- What Copydesk needs of an LSP client  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The words in which the rest speaks to a server, whichever client runs it.  A connection is the client's own object:
;; a client's file gives methods for its type and puts a function on `copydesk-connection-functions'.  JSON objects
;; are plists with keywords, lists are vectors.  Knows no client.  Start with `copydesk-execute'.

;;; Code:

(require 'cl-lib)

(defconst copydesk-methods ["copydesk/session/update" "copydesk/editor/ask" "copydesk.permission.answer"]
  "What we take of the server's own messages: it is told so at its start.
The last one is the command by which permissions are answered:
the server then opens no dialog of the client's beside ours.")

(defvar copydesk-connection-functions nil
  "Functions without argument: the Copydesk connection of this buffer, or nil.")
(defvar copydesk--last-connection nil
  "The one that was used last, for buffers that have none.")

(cl-defgeneric copydesk-alive-p (connection)
  "Whether CONNECTION is there still.")
(cl-defgeneric copydesk-send-command (connection command arguments done failed)
  "Send COMMAND with ARGUMENTS, a vector, to CONNECTION, after what was typed.
DONE gets the result, FAILED a message.  Does not wait.")
(cl-defgeneric copydesk-uri (connection path)
  "The URI of PATH as CONNECTION spells it.")
(cl-defgeneric copydesk-path (connection uri)
  "The path of URI, by CONNECTION.")
(cl-defgeneric copydesk-position (connection point)
  "The position of POINT in this buffer, as CONNECTION counts.")
(cl-defgeneric copydesk-region (connection range)
  "Where RANGE of CONNECTION is in this buffer, a cons of points.")

(cl-defmethod copydesk-alive-p ((_ null))
  "Nothing is not there." nil)

(defun copydesk-managed-p ()
  "Whether this buffer has a Copydesk connection."
  (and buffer-file-name (run-hook-with-args-until-success 'copydesk-connection-functions) t))

(defun copydesk-connection ()
  "The connection of this buffer, else the one that was used last, else nil."
  (let ((found (or (run-hook-with-args-until-success 'copydesk-connection-functions)
                   copydesk--last-connection)))
    (when (copydesk-alive-p found)
      (setq copydesk--last-connection found))))

(defun copydesk-connection-or-lose ()
  "The connection, or an error with advice."
  (or (copydesk-connection)
      (user-error "No Copydesk server runs here; open a file of a project and start it (M-x eglot)")))

(defun copydesk-buffer-uri ()
  "The URI of this buffer's file."
  (copydesk-uri (copydesk-connection-or-lose) buffer-file-name))

(defun copydesk-position-at (point)
  "POINT as the server counts."
  (copydesk-position (copydesk-connection-or-lose) point))

(defun copydesk-execute (command &optional argument done)
  "Send the server COMMAND, without its prefix, and ARGUMENT, a plist.
DONE is called with the result.  Emacs does not wait for it; a
failure is a message."
  (copydesk-execute-on (copydesk-connection-or-lose) command argument done))

(defun copydesk-execute-on (connection command &optional argument done)
  "As `copydesk-execute', with CONNECTION for COMMAND, ARGUMENT and DONE."
  (copydesk-send-command connection (concat "copydesk." command)
                         (vector (or argument (make-hash-table)))
                         (or done #'ignore)
                         (lambda (why) (message "Copydesk: %s" why))))

(provide 'copydesk-connection)
;;; copydesk-connection.el ends here
