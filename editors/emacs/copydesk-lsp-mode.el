;;; copydesk-lsp-mode.el --- Copydesk in lsp-mode  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; lsp-mode's side of copydesk-connection.el.  Copydesk is registered as an add-on: it runs beside the language's own
;; server.  `copydesk-lsp-command' is what starts it.
;;
;;     (with-eval-after-load 'lsp-mode (require 'copydesk-lsp-mode))
;;
;; It is not compiled with the package, because lsp-mode need not be installed.

;;; Code:

(require 'cl-lib)
(require 'copydesk)
(require 'copydesk-connection)
(require 'lsp-mode)

(defcustom copydesk-lsp-command '("copydesk" "serve")
  "The program that lsp-mode starts, and its arguments."
  :type '(repeat string)
  :group 'copydesk)

(defcustom copydesk-lsp-settings nil
  "Settings for Copydesk's server, as a plist: (:model (:name \"offline\"))."
  :type 'plist
  :group 'copydesk)

(defun copydesk-lsp--plain (value)
  "VALUE with hash tables as plists; lsp-mode can be built for either."
  (cond ((hash-table-p value)
         (cl-loop for key being the hash-keys of value using (hash-values item)
                  append (list (if (keywordp key) key (intern (format ":%s" key))) (copydesk-lsp--plain item))))
        ((vectorp value) (cl-map 'vector #'copydesk-lsp--plain value))
        ((and (consp value) (keywordp (car value)))
         (cl-loop for (key item) on value by #'cddr append (list key (copydesk-lsp--plain item))))
        (t value)))

(defun copydesk-lsp-connection ()
  "This buffer's workspace with Copydesk in it."
  (when (bound-and-true-p lsp-mode)
    (cl-find 'copydesk (lsp-workspaces) :key #'lsp--workspace-server-id)))

(add-hook 'copydesk-connection-functions #'copydesk-lsp-connection)

(defun copydesk-lsp-start ()
  "Turn `copydesk-mode' on where Copydesk is one of the buffer's servers."
  (when (copydesk-lsp-connection) (copydesk-mode 1)))

(add-hook 'lsp-after-open-hook #'copydesk-lsp-start)

(cl-defmethod copydesk-alive-p ((workspace lsp--workspace))
  "Whether WORKSPACE is up."
  (eq (lsp--workspace-status workspace) 'initialized))

(cl-defmethod copydesk-send-command ((workspace lsp--workspace) command arguments done failed)
  "Send COMMAND with ARGUMENTS to WORKSPACE; DONE or FAILED hears of it."
  (with-lsp-workspace workspace
    (lsp-request-async "workspace/executeCommand" (list :command command :arguments arguments)
                       (lambda (result) (funcall done (copydesk-lsp--plain result)))
                       :mode 'detached
                       :error-handler (lambda (failure)
                                        (funcall failed (plist-get (copydesk-lsp--plain failure) :message))))))

(cl-defmethod copydesk-uri ((_workspace lsp--workspace) path)
  "The URI of PATH."
  (lsp--path-to-uri path))

(cl-defmethod copydesk-path ((workspace lsp--workspace) uri)
  "The path of URI in WORKSPACE."
  (with-lsp-workspace workspace (lsp--uri-to-path uri)))

(cl-defmethod copydesk-position ((_workspace lsp--workspace) point)
  "POINT as LSP has it."
  (copydesk-lsp--plain (lsp--point-to-position point)))

(cl-defmethod copydesk-region ((_workspace lsp--workspace) range)
  "RANGE as Emacs has it."
  (cl-flet ((place (position)
              (lsp--line-character-to-point (plist-get position :line) (plist-get position :character))))
    (cons (place (plist-get range :start)) (place (plist-get range :end)))))

(lsp-register-client
 (make-lsp-client
  :new-connection (lsp-stdio-connection (lambda () copydesk-lsp-command))
  :activation-fn (lambda (file _mode) (and file t))
  :add-on? t
  :priority -1
  :server-id 'copydesk
  :initialization-options (lambda () (or copydesk-lsp-settings (make-hash-table)))
  :custom-capabilities `((experimental . ((copydesk . ,copydesk-methods))))
  :notification-handlers
  (lsp-ht ("copydesk/session/update"
           (lambda (workspace params)
             (let ((told (copydesk-lsp--plain params)))
               (copydesk-handle-update workspace (plist-get told :turn) (plist-get told :update)))))
          ("$/cancelRequest"
           (lambda (_workspace params)
             (copydesk-withdraw-question (plist-get (copydesk-lsp--plain params) :id)))))
  :async-request-handlers
  (lsp-ht ("copydesk/editor/ask"
           (lambda (_workspace params answer)
             (let ((asked (copydesk-lsp--plain params)))
               (copydesk-handle-question
                (list :id (plist-get asked :id) :question (plist-get asked :question)
                      :choices (plist-get asked :choices)
                      :reply (lambda (text) (funcall answer (list :answer text)))))))))))

(provide 'copydesk-lsp-mode)
;; Local Variables:
;; no-byte-compile: t
;; End:
;;; copydesk-lsp-mode.el ends here
