;;; copydesk-eglot.el --- Copydesk in Eglot  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Eglot's side of copydesk-connection.el.  Tells servers which of Copydesk's messages are taken, hands these on, and
;; shows the server's words as Copydesk's.  Requests are never synchronous here.
;;
;; Eglot answers a server's request when its handler returns, so that a handler cannot wait for a person.  A question
;; is therefore taken before it gets there and becomes a notification with the request's id: the answer is sent later.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'copydesk-connection)

(declare-function copydesk-mode "copydesk")
(declare-function copydesk-handle-update "copydesk")
(declare-function copydesk-handle-question "copydesk")
(declare-function copydesk-withdraw-question "copydesk")
(declare-function copydesk-review-refresh "copydesk-review")

(defcustom copydesk-confirm-edits nil
  "Whether Eglot asks once more before what was accepted is applied.
If nil, it lands; otherwise `eglot-confirm-server-edits' decides."
  :type 'boolean
  :group 'copydesk)

(defun copydesk-eglot-server-p (server)
  "Whether SERVER, of Eglot, has Copydesk's commands."
  (seq-contains-p (plist-get (plist-get (eglot--capabilities server) :executeCommandProvider) :commands)
                  "copydesk.prompt"))

(defun copydesk-eglot-connection ()
  "This buffer's server, if it is Copydesk."
  (when-let* ((server (eglot-current-server)) ((copydesk-eglot-server-p server))) server))

(add-hook 'copydesk-connection-functions #'copydesk-eglot-connection)

(defun copydesk-eglot-start ()
  "Turn `copydesk-mode' on where the server is Copydesk, else off."
  (if (and (eglot-managed-p) (copydesk-eglot-connection)) (copydesk-mode 1)
    (when (bound-and-true-p copydesk-mode) (copydesk-mode -1))))

(add-hook 'eglot-managed-mode-hook #'copydesk-eglot-start)

;;; Connection

(cl-defmethod copydesk-alive-p ((server eglot-lsp-server))
  "Whether SERVER's process lives."
  (jsonrpc-running-p server))

(cl-defmethod copydesk-send-command ((server eglot-lsp-server) command arguments done failed)
  "Send COMMAND with ARGUMENTS to SERVER; DONE or FAILED hears of it."
  (when (eglot-managed-p) (eglot--signal-textDocument/didChange))
  (jsonrpc-async-request server :workspace/executeCommand (list :command command :arguments arguments)
                         :timeout nil
                         :success-fn done
                         :error-fn (lambda (failure) (funcall failed (plist-get failure :message)))))

(cl-defmethod copydesk-uri ((_server eglot-lsp-server) path)
  "The URI of PATH."
  (eglot-path-to-uri path))

(cl-defmethod copydesk-path ((_server eglot-lsp-server) uri)
  "The path of URI."
  (eglot-uri-to-path uri))

(cl-defmethod copydesk-position ((_server eglot-lsp-server) point)
  "POINT as LSP has it."
  (eglot--pos-to-lsp-position point))

(cl-defmethod copydesk-region ((_server eglot-lsp-server) range)
  "RANGE as Emacs has it."
  (eglot-range-region range))

;;; What the server says

(cl-defmethod eglot-client-capabilities :around ((_server eglot-lsp-server))
  "Say which of Copydesk's own messages are taken; other servers do not read this."
  (let* ((capabilities (cl-call-next-method))
         (others (plist-get capabilities :experimental)))
    (plist-put capabilities :experimental
               (append (and (listp others) others) (list :copydesk copydesk-methods)))))

(cl-defmethod jsonrpc-convert-from-endpoint :around ((_server eglot-lsp-server) _message)
  "Let a question wait for its person: as a notification, which is answered later."
  (let ((whole (cl-call-next-method)))
    (if (and (equal (plist-get whole :method) "copydesk/editor/ask") (plist-get whole :id))
        (list :method "copydesk/editor/ask"
              :params (plist-put (copy-sequence (plist-get whole :params)) :id (plist-get whole :id)))
      whole)))

(cl-defmethod eglot-handle-notification
  (server (_method (eql copydesk/editor/ask)) &key question choices id &allow-other-keys)
  "SERVER asks QUESTION, with CHOICES, in the request ID."
  (copydesk-handle-question
   (list :id id :question question :choices choices
         :reply (lambda (answer)
                  (when (jsonrpc-running-p server)
                    (jsonrpc-connection-send server :id id :result (list :answer answer)))))))

(cl-defmethod eglot-handle-notification (_server (_method (eql $/cancelRequest)) &key id &allow-other-keys)
  "The server no longer wants the answer to ID."
  (copydesk-withdraw-question id))

(cl-defmethod eglot-handle-notification
  (server (_method (eql copydesk/session/update)) &key turn update &allow-other-keys)
  "Show UPDATE of TURN, from SERVER."
  (copydesk-handle-update server turn update))

(cl-defmethod eglot-handle-notification :around
  ((server eglot-lsp-server) (_method (eql window/showMessage)) &key type message &allow-other-keys)
  "Show MESSAGE of Copydesk's SERVER as its own; TYPE 1 is an error."
  (if (copydesk-eglot-server-p server)
      (message "Copydesk: %s" (if (eql type 1) (propertize message 'face 'error) message))
    (cl-call-next-method)))

(cl-defmethod eglot-handle-notification :after
  ((server eglot-lsp-server) (_method (eql textDocument/publishDiagnostics)) &key diagnostics &allow-other-keys)
  "Draw hunks again when SERVER's hints, among DIAGNOSTICS, have moved."
  (when (and (copydesk-eglot-server-p server)
             (or (seq-empty-p diagnostics)
                 (seq-some (lambda (each) (equal (plist-get each :source) "copydesk")) diagnostics)))
    (copydesk-review-refresh server)))

(cl-defmethod eglot-handle-request :around
  ((server eglot-lsp-server) (_method (eql workspace/applyEdit)) &rest _)
  "What was accepted of SERVER's is not asked about again."
  (let ((eglot-confirm-server-edits (if (or copydesk-confirm-edits (not (copydesk-eglot-server-p server)))
                                        eglot-confirm-server-edits
                                      nil)))
    (cl-call-next-method)))

(provide 'copydesk-eglot)
;;; copydesk-eglot.el ends here
