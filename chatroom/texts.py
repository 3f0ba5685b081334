"""
What the server says to people, in every language it speaks.

One table a language, the same slugs and the same placeholders in each. A slug
of an error is the C{reason} that programs read; the text beside it may change.
"""

from collections.abc import Mapping

DEFAULT_LANGUAGE = "zh"

TEXTS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "not_logged_in": "请先登录",
        "wrong_credentials": "用户名或密码错误",
        "already_logged_in": "您已登录，请先登出",
        "username_taken": "用户名已存在",
        "chat_name_taken": "聊天组名称已存在",
        "user_not_found": "用户不存在：{username}",
        "chat_not_found": "聊天组不存在",
        "not_a_member": "您不是该聊天组的成员",
        "too_many_sessions": "您的会话过多，最多 {limit} 个",
        "too_many_tries": "尝试次数过多，请 {retry_after} 秒后重试",
        "registration_closed": "服务器未开放注册",
        "too_many_registrations": "注册过于频繁，请 {retry_after} 秒后重试",
        "too_fast": "发送过快，请 {retry_after} 秒后重试",
        "chat_full": "聊天组人数已满，最多 {limit} 人",
        "too_many_chats": "您创建和加入的聊天组过多，最多 {limit} 个",
        "other_protocol": "此端口只接受每行一个 JSON 对象，而不是 {protocol}",
        "not_json": "消息不是有效的 UTF-8 编码的 JSON",
        "not_an_object": "消息必须是一个 JSON 对象",
        "unknown_type": "未知的消息类型",
        "bad_field": "字段 {field} 无效",
        "line_too_long": "消息过长，最多 {limit} 字节",
        "line_not_ended": "消息不完整：缺少结尾的换行符",
        "bad_username": (
            "用户名无效：须为 1 至 {limit} 个字母或数字，可含 _ . -，且不得混用形近的文字"
        ),
        "bad_password": "密码长度须为 {least} 至 {most} 个字符",
        "bad_chat_name": "聊天组名称无效：须为 1 至 {limit} 个可见字符，首尾不得有空格",
        "bad_content": "消息内容须为 1 至 {limit} 个字符，且不得含控制字符",
        "bad_query": "搜索内容须至少含有一个字母、数字或文字",
        "bad_cursor": "游标无效，或属于另一个搜索",
        "client_message_id_reused": "该 client_message_id 已用于另一条消息",
        "internal_error": "服务器内部错误",
        "store_unavailable": "服务器暂时无法保存或读取数据，请稍后重试",
        "busy": "服务器繁忙，请稍后重试",
        "shutting_down": "服务器正在关闭",
        "network_error": "无法连接到服务器",
        "welcome": "欢迎加入聊天室！{room}",
        "joined": "{username} 加入了聊天组 {room}",
        "added": "{username} 将您加入了聊天组 {room}",
        "logged_out": "您已登出",
        "too_many_connections": "来自您的地址的连接过多，连接即将关闭",
        "crowded_out": "未登录的连接过多，连接即将关闭",
        "login_overdue": "登录超时，连接即将关闭",
        "bad_token": "登录令牌无效或已过期",
        "message_not_found": "消息不存在",
        "message_is_deleted": "该消息已被删除",
        "session_not_found": "会话不存在",
        "not_your_message": "这不是您的消息",
        "too_many_reactions": "该消息的回应过多，最多 {limit} 个",
        "cannot_leave": "不能离开此聊天组",
        "bad_reaction": "回应须为 1 至 {limit} 个可见字符，且不含空格",
        "hello_too_late": "hello 须在登录之前发送，且只能发送一次",
        "other_epoch": "数据库已更换，之前的位置无效",
        "seq_in_future": "{field} 超出了聊天组的最后位置",
        "left": "{username} 离开了聊天组 {room}",
        "deleted": "（消息已删除）",
        "silent": "长时间没有收到任何消息，连接即将关闭",
        "session_revoked": "此登录已被撤销，连接即将关闭",
        "password_changed": "密码已更改，请重新登录",
        "is_a_file": "文件消息不能编辑",
        "files_off": "服务器不接收文件",
        "too_many_transfers": "同时传输的文件过多，最多 {limit} 个",
        "file_not_found": "文件不存在",
        "upload_not_found": "没有这个上传",
        "file_too_large": "文件过大，最多 {limit} 字节",
        "quota_exceeded": "您的文件过多，最多 {limit} 字节",
        "files_full": "服务器的文件空间已满",
        "bad_filename": "文件名无效：最多 {limit} 字节，不得含路径分隔符或不可见字符",
        "bad_chunk": "文件块无效：须为 1 至 {limit} 字节的 base64，且不得超出文件末尾",
        "bad_offset": "文件位置无效，应为 {expected}",
        "too_many_chunks": "未确认的文件块过多，最多 {limit} 个",
        "wrong_hash": "文件内容与其 sha256 不符",
        "client_file_id_reused": "该 client_file_id 已用于另一个文件",
        "disk_full": "服务器的磁盘已满，请稍后重试",
        "files_unavailable": "服务器暂时无法保存或读取文件，请稍后重试",
        "file_damaged": "该文件在服务器上已损坏",
        "shared_file": "{username} 在聊天组 {room} 分享了文件 {filename}（{size} 字节）",
        "file": "[文件] {filename}",
    },
    "en": {
        "not_logged_in": "Please log in first",
        "wrong_credentials": "Wrong username or password",
        "already_logged_in": "You are logged in already; log out first",
        "username_taken": "This username is taken",
        "chat_name_taken": "This chat name is taken",
        "user_not_found": "No such user: {username}",
        "chat_not_found": "No such chat",
        "not_a_member": "You are not a member of this chat",
        "too_many_sessions": "You have too many sessions: at most {limit}",
        "too_many_tries": "Too many tries; try again in {retry_after} s",
        "registration_closed": "This server takes no registrations",
        "too_many_registrations": "Too many registrations; try again in {retry_after} s",
        "too_fast": "You are sending too fast; try again in {retry_after} s",
        "chat_full": "The chat is full: it has {limit} members",
        "too_many_chats": "You have made and joined too many chats: at most {limit}",
        "other_protocol": "This port takes a JSON object a line, not {protocol}",
        "not_json": "The message is not valid JSON in UTF-8",
        "not_an_object": "The message must be a JSON object",
        "unknown_type": "Unknown message type",
        "bad_field": "The field {field} is not valid",
        "line_too_long": "The message is too long: at most {limit} bytes",
        "line_not_ended": "The message is incomplete: the newline at its end is missing",
        "bad_username": (
            "A username is 1 to {limit} letters or digits, with _ . - allowed, "
            "and does not mix scripts that look alike"
        ),
        "bad_password": "A password has {least} to {most} characters",
        "bad_chat_name": (
            "A chat name is 1 to {limit} visible characters, without a space at either end"
        ),
        "bad_content": "The content is 1 to {limit} characters, without control characters",
        "bad_query": "There is no letter or digit to look for",
        "bad_cursor": "This is not a cursor of this search",
        "client_message_id_reused": "This client_message_id belongs to another message",
        "internal_error": "Internal server error",
        "store_unavailable": "The server cannot store or read data right now; try again later",
        "busy": "The server is busy; try again later",
        "shutting_down": "The server is shutting down",
        "network_error": "The server cannot be reached",
        "welcome": "Welcome to the chat room! {room}",
        "joined": "{username} joined {room}",
        "added": "{username} added you to {room}",
        "logged_out": "You are logged out",
        "too_many_connections": (
            "There are too many connections from your address; this one is about to close"
        ),
        "crowded_out": "Too many are waiting to log in; the connection is about to close",
        "login_overdue": "You did not log in in time; the connection is about to close",
        "bad_token": "This login is not valid any more",
        "message_not_found": "No such message",
        "message_is_deleted": "This message was deleted",
        "session_not_found": "No such session",
        "not_your_message": "This is not your message",
        "too_many_reactions": "The message has too many reactions: at most {limit}",
        "cannot_leave": "Nobody can leave this chat",
        "bad_reaction": "A reaction is 1 to {limit} visible characters, without spaces",
        "hello_too_late": "A hello comes once, and before the login",
        "other_epoch": "The database is another one; positions in the old one mean nothing",
        "seq_in_future": "{field} is beyond the end of the chat",
        "left": "{username} left {room}",
        "deleted": "(message deleted)",
        "silent": "Nothing was heard of you for long; the connection is about to close",
        "session_revoked": "This login was revoked; the connection is about to close",
        "password_changed": "The password was changed; please log in again",
        "is_a_file": "A file cannot be edited",
        "files_off": "This server takes no files",
        "too_many_transfers": "Too many files are under way: at most {limit}",
        "file_not_found": "No such file",
        "upload_not_found": "No such upload",
        "file_too_large": "The file is too large: at most {limit} bytes",
        "quota_exceeded": "Your files are too many: at most {limit} bytes",
        "files_full": "The server has no room for more files",
        "bad_filename": (
            "A filename has at most {limit} bytes, no path separator and nothing invisible"
        ),
        "bad_chunk": (
            "A chunk is 1 to {limit} bytes in base64, and does not go beyond the end of the file"
        ),
        "bad_offset": "This is not the place to go on; that is {expected}",
        "too_many_chunks": "Too many chunks are not acknowledged: at most {limit}",
        "wrong_hash": "The content of the file does not fit its sha256",
        "client_file_id_reused": "This client_file_id belongs to another file",
        "disk_full": "The disk of the server is full; try again later",
        "files_unavailable": "The server cannot store or read files right now; try again later",
        "file_damaged": "This file is damaged on the server",
        "shared_file": "{username} shared the file {filename} in {room} ({size} bytes)",
        "file": "[file] {filename}",
    },
}


def text(language: str, slug: str, **details: object) -> str:
    """
    Say something in a language.

    @param language: a key of L{TEXTS}.
    @param slug: what to say, a key of each language's table.
    @param details: values for the placeholders.
    """
    return TEXTS[language][slug].format(**details)
